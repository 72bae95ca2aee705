/** The settings of nginx, which its edge.sh reads: there is what each may hold. `npm start -- --set` takes them as well. */
export const edgeSettings = {
  EDGE_TRUSTED_PROXIES: 'addresses and CIDRs, separated by commas: whose word on the client is believed',
  EDGE_CORS_ORIGINS: 'origins, separated by commas, whose pages may use the API',
  EDGE_PROXY_PROTOCOL_PORT: 'a further port, at which the PROXY protocol is spoken',
} as const;

/** The whole environment of edge.sh, for an nginx that listens at these addresses and ports; other settings may stand beside. */
export function edgeEnvironment(
  settings: Record<string, string>,
  { addresses, ports }: { addresses: string[]; ports: number[] },
): NodeJS.ProcessEnv {
  const given = Object.entries(settings).filter(([name]) => name in edgeSettings);
  const ours = { EDGE_LISTEN: addresses.join(' '), EDGE_TAKEN_PORTS: ports.join(' ') };
  return { PATH: process.env.PATH, LC_ALL: 'C', ...Object.fromEntries(given), ...ours };
}

/** The port at which the PROXY protocol is to be spoken. Undefined as well for what is no port: edge.sh will say so. */
export function proxyProtocolPort(settings: Record<string, string> = {}): number | undefined {
  const port = Number(settings['EDGE_PROXY_PROTOCOL_PORT'] ?? '');
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined;
}
