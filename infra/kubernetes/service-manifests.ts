import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ServiceName } from '@flash-sale/contract/services.ts';
import { layoutNames } from '@flash-sale/shared/layouts.ts';
import { settingOf } from '@flash-sale/shared/service/environments.ts';
import { needsRabbitmq, type StackName } from '@flash-sale/shared/stacks.ts';
import { databaseNameOf, databasesOf, ownDatabaseOf, type DatabaseName } from '../launcher/database-names.ts';
import { layoutOf, processesOf, type ProcessOfServices } from '../docker/containers.ts';
import { singleServices, sizeOfAll, usualSize } from './single-services.ts';

/* What runs the services of a stack. What all of them have besides stands in components/service. */

const labelsOf = (name: string) => ({ 'app.kubernetes.io/name': name, 'app.kubernetes.io/component': 'service' });

/** The release whose images it is. */
export const imageOf = (name: string, release: string) => `flash-sale/${name}:${release}`;

const portNameOf = (service: ServiceName, index: number) => (index === 0 ? 'http' : service);

export const sizeOf = ({ name, holds }: ProcessOfServices) =>
  holds.length > 1 ? sizeOfAll : { ...usualSize, ...singleServices[name as ServiceName] };

/** For each process: its account, the name by which nginx finds its pods, the pods, and how many of them may be missing. */
export function serviceManifests(stack: StackName, release: string): object[] {
  return processesOf(layoutOf(stack)).flatMap((process) => {
    const { name } = process;
    const labels = labelsOf(name);
    return [
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name }, automountServiceAccountToken: false },
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name },
        spec: {
          clusterIP: 'None',
          selector: labels,
          ports: process.holds.map(({ service, port }, index) => ({
            name: portNameOf(service, index),
            port,
            targetPort: portNameOf(service, index),
          })),
        },
      },
      deployment(process, stack, release),
      {
        apiVersion: 'policy/v1',
        kind: 'PodDisruptionBudget',
        metadata: { name },
        spec: { maxUnavailable: 1, selector: { matchLabels: labels } },
      },
    ];
  });
}

function deployment(process: ProcessOfServices, stack: StackName, release: string): object {
  const { name, holds } = process;
  const labels = labelsOf(name);
  const { requests, limits } = sizeOf(process);
  const ofOne = holds.length === 1;
  const namedFor = ofOne ? (_: ServiceName, setting: string) => setting : settingOf;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: name,
          containers: [
            {
              name: 'service',
              image: imageOf(name, release),
              ports: holds.map(({ service, port }, index) => ({
                name: portNameOf(service, index),
                containerPort: port,
              })),
              envFrom: [
                { configMapRef: { name: 'settings' } },
                ...holds.flatMap(({ service }) => settingsOf(service, ofOne ? undefined : settingOf(service, ''))),
              ],
              env: holds.flatMap(({ service, port }) => [
                ...(ofOne ? [] : [{ name: settingOf(service, 'PORT'), value: String(port) }]),
                ...environmentOf(service, stack, (setting) => namedFor(service, setting)),
              ]),
              startupProbe: startupProbe(ofOne),
              resources: { requests, limits },
            },
          ],
        },
      },
    },
  };
}

/** Of a service that has a file of its own in base/settings. */
function settingsOf(service: ServiceName, prefix: string | undefined): object[] {
  if (!hasSettings(service)) return [];
  return [{ ...(prefix === undefined ? {} : { prefix }), configMapRef: { name: `${service}-settings` } }];
}
export const hasSettings = (service: ServiceName): boolean =>
  existsSync(join(import.meta.dirname, 'base/settings', `${service}.env`));

/** A variable of a container that comes from a Secret. */
export const secretVariable = (variable: string, name: string, key: string, optional?: true) => ({
  name: variable,
  valueFrom: { secretKeyRef: { name, key, ...(optional ? { optional } : {}) } },
});

/** A server's password from a Secret, and with it the URL by which the service comes as the user that is its own. */
function environmentOf(service: ServiceName, stack: StackName, named: (setting: string) => string): object[] {
  const url = (server: string, withPassword: (password: string) => string, secretName: string, key = 'password') => {
    const password = named(`${server}_PASSWORD`);
    return [
      secretVariable(password, secretName, key),
      { name: named(`${server}_URL`), value: withPassword(`$(${password})`) },
    ];
  };
  const database = (setting: string, name: DatabaseName) => {
    const role = databaseNameOf(name);
    return url(setting, (it) => `postgresql://${role}:${it}@postgres-rw:5432/${role}`, secretOfRole(role));
  };
  return [
    ...databasesOf(service).flatMap(({ setting, name }) => database(setting, name)),
    ...url('REDIS', (it) => `redis://${service}:${it}@valkey:6379`, 'valkey', service),
    ...(needsRabbitmq(stack) ? url('AMQP', (it) => `amqp://${service}:${it}@rabbitmq:5672`, `broker-${service}`) : []),
    ...(singleServices[service]?.secrets ?? []).map(({ variable, secret: name, key }) =>
      secretVariable(named(variable), name, key, true),
    ),
  ];
}

/** A target that an overlay lacks is passed over. */
export function replicasComponent(): object {
  const processes = layoutNames.flatMap((layout) => processesOf(layout));
  return {
    apiVersion: 'kustomize.config.k8s.io/v1alpha1',
    kind: 'Component',
    patches: processes.map(({ name, holds }) => ({
      target: { kind: 'Deployment', name },
      patch: JSON.stringify(
        holds.flatMap(({ service }) =>
          readUrlOf(service, holds.length === 1 ? (it) => it : (it) => settingOf(service, it)),
        ),
      ),
    })),
  };
}

/** Behind the password, of which it is made. */
function readUrlOf(service: ServiceName, named: (setting: string) => string): object[] {
  const own = ownDatabaseOf(service);
  if (own === undefined) return [];
  const role = databaseNameOf(own);
  const value = `postgresql://${role}:$(${named('DATABASE_PASSWORD')})@postgres-ro:5432/${role}`;
  const variable = { name: named('READ_DATABASE_URL'), value };
  return [{ op: 'add', path: '/spec/template/spec/containers/0/env/-', value: variable }];
}

/** As secrets.sh names it. */
export const secretOfRole = (role: string): string => `postgres-${role.replaceAll('_', '-')}`;

/**
 * It starts only when the Job `set-up` has migrated; until then it ends and is started again. A release that does not reach its
 * database or its broker is not rolled out any further.
 */
const startupProbe = (ofOne: boolean) => ({
  // Of several services each has to be ready.
  ...(ofOne ? { httpGet: { path: '/readyz', port: 'http' } } : { exec: { command: ['is-ready'] } }),
  periodSeconds: 2,
  timeoutSeconds: ofOne ? 2 : 5,
  failureThreshold: 60,
  terminationGracePeriodSeconds: 10, // nobody has been led to it yet
});
