import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, type JWK, type JWTPayload, SignJWT } from 'jose';

/** A key pair, for tests. */
export interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

export const makeRsa = (bits = 2_048): KeyPair =>
  generateKeyPairSync('rsa', { modulusLength: bits });
export const makeEc = (namedCurve = 'P-256'): KeyPair => generateKeyPairSync('ec', { namedCurve });
export const makeEd25519 = (): KeyPair => generateKeyPairSync('ed25519');

/** Signs a token; `header` holds at least the algorithm. */
export function sign(
  payload: JWTPayload,
  key: KeyObject | Uint8Array,
  header: { readonly alg: string; readonly kid?: string },
): Promise<string> {
  return new SignJWT(payload).setProtectedHeader(header).sign(key);
}

/** A public key as a member of a key set. */
export const publicJwk = async (pair: KeyPair, kid: string, alg: string): Promise<JWK> => ({
  ...(await exportJWK(pair.publicKey)),
  kid,
  alg,
  use: 'sig',
});

/** A token put together by hand, as no library would. */
export const forge = (header: object, payload: object, signature = ''): string =>
  [header, payload]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .concat(signature)
    .join('.');

/** A JWKS server whose answer the test decides. */
export interface JwksServer {
  readonly url: URL;
  /** How often it was asked. */
  asked(): number;
  answer(status: number, body: string, headers?: Readonly<Record<string, string>>): void;
  serve(keys: readonly JWK[]): void;
  close(): Promise<void>;
}

/** Listens on a free port of this machine. */
export async function startJwks(): Promise<JwksServer> {
  let asked = 0;
  let reply = { status: 503, body: '', headers: {} };
  const server = createServer((_request, response) => {
    asked += 1;
    response.writeHead(reply.status, reply.headers).end(reply.body);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const answer: JwksServer['answer'] = (status, body, headers = {}) => {
    reply = { status, body, headers };
  };
  return {
    url: new URL(`http://127.0.0.1:${port}/keys`),
    asked: () => asked,
    answer,
    serve: (keys) => answer(200, JSON.stringify({ keys })),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
