/** The settings of nginx, which its edge.sh reads: there is what each may hold. `npm start -- --set` takes them as well. */
export const edgeSettings = {
  EDGE_TRUSTED_PROXIES: 'addresses and CIDRs, separated by commas: whose word on the client is believed',
  EDGE_CORS_ORIGINS: 'origins, separated by commas, whose pages may use the API',
  EDGE_PROXY_PROTOCOL_PORT: 'a further port, at which the PROXY protocol is spoken',
} as const;
