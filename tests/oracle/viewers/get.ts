import { request } from 'node:http';

/** A whole response. */
export interface Answer {
  readonly status: number;
  readonly etag: string | undefined;
  readonly body: string;
}

/** Rejects with an error that has a code when the connection fails, also in mid-response. */
export function get(
  { host, port }: { readonly host: string; readonly port: number },
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asking = request({ host, port, path, headers, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => {
        body += text;
      });
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, etag: response.headers.etag, body }),
      );
    });
    asking.on('error', reject);
    asking.end();
  });
}
