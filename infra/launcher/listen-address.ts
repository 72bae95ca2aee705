import { isIP, isIPv4, SocketAddress } from 'node:net';

/** Where the shop listens, for nginx and for people. */
export interface ListenAddress {
  /** As nginx writes them, without a port. */
  addresses: string[];
  /** The host of a URL by which this machine reaches it. */
  reachable: string;
}

/** A host that nothing can listen on; the message says why. */
export class UnusableHost extends Error {}

/**
 * What a host stands for: an address, or a name. `::` is all addresses, those of IPv4 among them, for nginx by two listeners:
 * one for both would know a client of IPv4 by an address of IPv6.
 * @throws UnusableHost for what is neither
 */
export function listenAddress(host: string): ListenAddress {
  if (isIPv4(host)) return { addresses: [host], reachable: host === '0.0.0.0' ? '127.0.0.1' : host };
  if (host.includes('%')) throw new UnusableHost(`nginx cannot listen in a zone of IPv6, as in "${host}"`);
  if (isIP(host) === 6) {
    const { address } = new SocketAddress({ address: host, family: 'ipv6' });
    if (address.startsWith('::ffff:')) return listenAddress(address.slice('::ffff:'.length));
    if (address === '::') return { addresses: ['0.0.0.0', '[::]'], reachable: '127.0.0.1' };
    return { addresses: [`[${address}]`], reachable: `[${address}]` };
  }
  // The last label of a name is no number: such a one is an address that went wrong.
  if (!/^([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.)*[a-z]([a-z0-9-]*[a-z0-9])?$/i.test(host))
    throw new UnusableHost(`--host is an address, such as 127.0.0.1, 0.0.0.0 or ::, or a name, not "${host}"`);
  return { addresses: [host], reachable: host.toLowerCase() };
}
