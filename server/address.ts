import { BlockList, isIP } from 'node:net';

/** Proxies that are believed about whom they speak for. */
export class TrustedProxies {
  readonly #list = new BlockList();

  /**
   * Takes addresses and networks, such as `10.0.0.7` and `fd00::/8`.
   *
   * @throws {Error} naming the entry that is neither.
   */
  constructor(entries: readonly string[]) {
    for (const entry of entries) this.#add(entry);
  }

  /** Whether the address, as {@link plainAddress} writes it, is a trusted proxy's. */
  has(address: string): boolean {
    const version = isIP(address);
    return version !== 0 && this.#list.check(address, version === 6 ? 'ipv6' : 'ipv4');
  }

  #add(entry: string): void {
    const [address = '', prefix] = entry.split('/');
    const version = isIP(address);
    const bits = prefix === undefined ? null : Number(prefix);
    const most = version === 6 ? 128 : 32;
    const fits = bits === null || (Number.isInteger(bits) && bits >= 0 && bits <= most);
    if (version === 0 || !fits || prefix === '') {
      throw new Error(`expected an address or network such as 10.0.0.0/8, got ${entry}`);
    }
    const family = version === 6 ? 'ipv6' : 'ipv4';
    if (bits === null) this.#list.addAddress(address, family);
    else this.#list.addSubnet(address, bits, family);
  }
}

/** An address in one spelling: IPv4 as itself also where the socket is an IPv6 one. */
export function plainAddress(address: string): string {
  const mapped = /^(?:0{0,4}:){2,6}ffff:(.+)$/i.exec(address)?.[1];
  if (mapped === undefined) return address.toLowerCase();
  if (isIP(mapped) === 4) return mapped;
  const [high = '', low = ''] = mapped.split(':');
  const bits = Number.parseInt(high, 16) * 65_536 + Number.parseInt(low, 16);
  return Number.isNaN(bits)
    ? address.toLowerCase()
    : [24, 16, 8, 0].map((shift) => Math.floor(bits / 2 ** shift) % 256).join('.');
}

/**
 * Whose connection it is: the peer, or the last address of X-Forwarded-For that is no trusted
 * proxy's. What stands before that one, anybody may have written.
 */
export function clientAddress(
  peer: string,
  forwardedFor: string | undefined,
  proxies: TrustedProxies,
): string {
  let address = plainAddress(peer);
  const hops = (forwardedFor ?? '').split(',').map((hop) => plainAddress(hop.trim()));
  while (proxies.has(address)) {
    const hop = hops.pop();
    if (hop === undefined || isIP(hop) === 0) break;
    address = hop;
  }
  return address;
}

/** Whether the address is this machine's own. */
export const isLoopback = (address: string): boolean =>
  address === '::1' ||
  address === '0000:0000:0000:0000:0000:0000:0000:0001' ||
  address.startsWith('127.');
