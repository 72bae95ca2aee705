import type { ServiceName } from '@flash-sale/contract/services.ts';

interface Size {
  /** Of a container. */
  requests: { cpu: string; memory: string };
  limits: { cpu: string; memory: string };
  /** How many pods there may be at most. */
  maxReplicas: number;
}

/** A variable that comes from a Secret, where that is there. */
interface OptionalSecret {
  variable: string;
  secret: string;
  key: string;
}

export const usualSize: Size = {
  requests: { cpu: '500m', memory: '192Mi' },
  limits: { cpu: '1', memory: '512Mi' },
  maxReplicas: 6,
};

/** A process that does the work of all services, with what each keeps in memory. */
export const sizeOfAll: Size = {
  requests: { cpu: '1', memory: '512Mi' },
  limits: { cpu: '2', memory: '1Gi' },
  maxReplicas: 6,
};

/** In what single services differ from the others; one that is not named here is as they all are. */
export const singleServices: Partial<Record<ServiceName, Partial<Size> & { secrets?: OptionalSecret[] }>> = {
  user: {
    // Password hashes take the processors.
    requests: { cpu: '500m', memory: '256Mi' },
    limits: { cpu: '2', memory: '512Mi' },
    maxReplicas: 8,
    secrets: [
      // An installation of an earlier release has none until secrets.sh runs again.
      { variable: 'TOKEN_KEYS', secret: 'token-keys', key: 'TOKEN_KEYS' },
      { variable: 'ADMIN_EMAIL', secret: 'admin', key: 'email' },
      { variable: 'ADMIN_PASSWORD', secret: 'admin', key: 'password' },
    ],
  },
  reservation: { maxReplicas: 8 },
  order: { requests: { cpu: '250m', memory: '192Mi' } },
  payment: { requests: { cpu: '250m', memory: '192Mi' } },
};
