import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse, parseAllDocuments } from 'yaml';
import { subscribingServices } from '../../shared/src/messaging/amqp-topology.ts';
import { defaultStack, stacks, type StackName } from '../../shared/src/stacks.ts';
import { demoEndSchema as inventoryDemoEnd } from '../../services/inventory/src/config.ts';
import { demoEndSchema as userDemoEnd } from '../../services/user/src/config.ts';
import { auditorRole, databaseNameOf, databases } from '../launcher/database-names.ts';
import { serviceNames, services, type ServiceName } from '@flash-sale/contract/services.ts';
import { containerStacks as stackNames } from '../container-stacks.ts';
import { brokerPasswordsFrom, setupBrokerSchema, setupSchema } from '../docker/setup-config.ts';
import { rabbitmqUsers } from '../launcher/rabbitmq-users.ts';
import { permissionsOf, redisUsers } from '../launcher/redis-users.ts';
import { redisProgram } from '../launcher/redis.ts';
import { settingsOf } from '../launcher/settings.ts';
import { edgeSettings } from '../launcher/edge-settings.ts';
import { nginxFiles } from './nginx.ts';
import { environmentOf, hostsOf, secretsOf } from './testing/environment.ts';
import { composeFileOf } from '../docker/compose-files.ts';
import { readCompose } from '../docker/testing/compose-file.ts';
import {
  find,
  ofKind,
  render,
  templateOf,
  withComponent,
  type Container,
  type Labels,
  type Peer,
  type Pod,
  type Resource,
} from './testing/render.ts';

const at = (folder: string) => join(import.meta.dirname, folder);
const infrastructure = [...render(at('infrastructure')), ...render(at('infrastructure/rabbitmq'))];
const demo = render(at('components/demo'));
const overlays = Object.fromEntries(stackNames.map((stack) => [stack, render(at(`overlays/${stack}`))])) as Record<
  StackName,
  Resource[]
>;
const withBroker = stackNames.filter((stack) => stacks[stack].servers.includes('rabbitmq'));

const podOf = ({ spec }: Resource) => spec.template.spec;
const labelsOf = ({ spec }: Resource) => spec.template.metadata.labels!;
const selects = ({ matchLabels = {} }: { matchLabels?: Labels }, labels: Labels) =>
  Object.entries(matchLabels).every(([name, value]) => labels[name] === value);
const serviceOf = (resources: Resource[], name: string) => find(resources, 'Deployment', name);

test('there is an overlay for each stack, and no other', () => {
  expect(readdirSync(at('overlays')).sort()).toEqual([...stackNames].sort());
});

describe.each(stackNames)('the %s overlay', (stack) => {
  const resources = overlays[stack];
  const deployments = ofKind(resources, 'Deployment');
  const settings = find(resources, 'ConfigMap', 'settings').data!;

  test('runs the services and nginx', () => {
    expect(deployments.map(({ metadata }) => metadata.name).sort()).toEqual([...serviceNames, 'nginx'].sort());
    expect(settings.STACK).toBe(stack);
  });

  describe.each(deployments.map((deployment) => [deployment.metadata.name, deployment] as const))('%s', (_, one) => {
    const pod = podOf(one);
    const labels = labelsOf(one);

    test('is probed, and has requests and limits', () => {
      for (const container of pod.containers) {
        for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe'])
          expect(container).toHaveProperty(probe);
        for (const bound of ['requests', 'limits'] as const) {
          expect(container.resources[bound]).toEqual({ cpu: expect.anything(), memory: expect.anything() });
        }
      }
    });

    test('may do nothing that it need not', () => expectRestricted(pod));

    test('is not taken out, and not restarted, for what others share', () => {
      const [{ startupProbe, livenessProbe, readinessProbe }] = pod.containers as [Container];
      const ofService = [startupProbe, livenessProbe, readinessProbe].map(({ httpGet }) => httpGet?.path);
      expect(ofService).toEqual(labels[component] === 'service' ? ['/readyz', '/healthz', '/healthz'] : Array(3));
    });

    test('is spread over zones and nodes, and not evicted all at once', () => {
      const spread = pod.topologySpreadConstraints;
      expect(spread.map(({ topologyKey }) => topologyKey)).toEqual([
        'topology.kubernetes.io/zone',
        'kubernetes.io/hostname',
      ]);
      for (const { labelSelector } of spread) expect(labels).toMatchObject(labelSelector.matchLabels);
      const budgets = ofKind(resources, 'PodDisruptionBudget');
      expect(budgets.filter(({ spec }) => selects(spec.selector, labels))).toHaveLength(1);
    });

    test('has one scaler, which keeps at least two', () => {
      const scalers = [...ofKind(resources, 'HorizontalPodAutoscaler'), ...ofKind(resources, 'ScaledObject')];
      const ours = scalers.filter(({ spec }) => spec.scaleTargetRef.name === one.metadata.name);
      expect(ours).toHaveLength(1);
      expect(ours[0]!.spec.minReplicas ?? ours[0]!.spec.minReplicaCount).toBeGreaterThanOrEqual(2);
    });

    test('goes on answering until nobody is led to it any more', () => {
      const conf = find(resources, 'ConfigMap', 'nginx').data!['nginx.conf']!;
      // nginx asks a second after what it knows has become too old.
      const nginxS = Number(/resolver .* valid=(\d+)s/.exec(conf)![1]) + 1;
      const { seconds } = pod.containers[0]!.lifecycle.preStop.sleep;
      expect(seconds).toBeGreaterThanOrEqual(labels[component] === 'service' ? coreDnsS + nginxS : loadBalancerS);
    });

    test('has more time to stop than it needs', () => {
      const { lifecycle } = pod.containers[0]!;
      const longestMs = one.metadata.name === 'nginx' ? 40_000 : Number(settings.DRAIN_TIMEOUT_MS) + 1_000;
      expect(pod.terminationGracePeriodSeconds * 1_000).toBeGreaterThan(
        lifecycle.preStop.sleep.seconds * 1_000 + longestMs,
      );
    });
  });

  describe.each(serviceNames)('the environment of %s', (name) => {
    const container = podOf(serviceOf(resources, name)).containers[0]!;
    const environment = environmentOf(container, resources);

    test('is that of its image, of this release', () => {
      const { version } = JSON.parse(readFileSync(at('../../package.json'), 'utf8')) as { version: string };
      expect(container.image).toBe(`flash-sale/${name}:${version}`);
    });

    test('is one that the service accepts', () => {
      expect(settingsOf[name].safeParse(environment.values).error?.issues).toBeUndefined();
    });

    test('has no name that the service does not know', () => {
      const unknown = Object.keys(environment.values).filter((key) => !(key in settingsOf[name].shape));
      expect(unknown.filter((key) => !environment.partsOfOthers.has(key))).toEqual([]);
    });

    test('names no secret', () => {
      for (const { value = '' } of container.env!) expect(value).not.toMatch(/:\/\/[^/]*:(?!\$\()[^/]*@/);
      expect(
        Object.keys(settings).filter((key) => /SECRET|TOKEN|PASSWORD/.test(key) && key !== 'ACCESS_TOKEN_TTL_S'),
      ).toEqual([]);
    });
  });

  test('lets services reach what their settings name, and nothing else', () => {
    const policies = [...ofKind(resources, 'NetworkPolicy'), ...ofKind(infrastructure, 'NetworkPolicy')];
    for (const name of serviceNames) {
      const service = serviceOf(resources, name);
      const labels = labelsOf(service);
      const reached = hostsOf(environmentOf(podOf(service).containers[0]!, resources).values);
      const needed = reached.map((host) => {
        if (!(host in servers)) throw new Error(`no test knows who ${host} is`);
        return servers[host]!;
      });
      expect(egressOf(policies, labels)).toEqual(needed.map(place).sort());
      for (const { labels: target, port } of needed) expect(mayEnter(policies, target, port, labels)).toBe(true);
    }
  });

  test('can be reached from outside by nginx alone', () => {
    const open = ofKind(resources, 'NetworkPolicy').flatMap(({ metadata, spec }) =>
      (spec.ingress ?? [])
        .filter((rule: { from?: unknown }) => !rule.from)
        .map((rule: unknown) => [metadata.name, rule]),
    );
    expect(open).toEqual([['nginx', { ports: [{ port: 8080 }] }]]);
    const published = ofKind(resources, 'Service').filter(({ spec }) => spec.type !== undefined);
    expect(published.map(({ metadata, spec }) => [metadata.name, spec.ports.length])).toEqual([['nginx', 1]]);
    expect(find(resources, 'NetworkPolicy', 'default-deny').spec).toEqual({
      podSelector: {},
      policyTypes: ['Ingress', 'Egress'],
    });
  });

  test('never wants more connections than PostgreSQL has', () => {
    const most = Object.fromEntries(
      [...ofKind(resources, 'HorizontalPodAutoscaler'), ...ofKind(resources, 'ScaledObject')].map(({ spec }) => [
        spec.scaleTargetRef.name,
        spec.maxReplicas ?? spec.maxReplicaCount!,
      ]),
    );
    // The lane, the reads, the background, and a look at the migrations; and for each database beside its own one, and a look there.
    const perPod = (name: ServiceName) => 1 + 2 + 1 + 1 + 2 * services[name].furtherDatabases.length;
    // In a roll-out each pod's successor is there before it has gone.
    const wanted = serviceNames.reduce((sum, name) => sum + 2 * most[name]! * perPod(name), 0);
    const { parameters } = find(infrastructure, 'Cluster', 'postgres').spec.postgresql;
    // The rest is for the operator, the auditor and people.
    expect(wanted).toBeLessThanOrEqual(Number(parameters.max_connections) - 25);
  });

  test('sets up the databases by a Job, which alone knows the passwords of their owners', () => {
    const job = find(resources, 'Job', 'set-up');
    const pod = podOf(job);
    expectRestricted(pod);
    const { values } = environmentOf(pod.containers[0]!, resources);
    expect(Object.keys(values).sort()).toEqual(Object.keys(setupSchema.shape).sort());
    expect(setupSchema.parse(values)).toMatchObject({ PROVISIONED: true });
    const policies = [...ofKind(resources, 'NetworkPolicy'), ...ofKind(infrastructure, 'NetworkPolicy')];
    const postgres = servers['postgres-rw:5432']!;
    expect(egressOf(policies, labelsOf(job))).toEqual([place(postgres)]);
    expect(mayEnter(policies, postgres.labels, postgres.port, labelsOf(job))).toBe(true);
    for (const name of serviceNames) {
      const owners = secretsOf(podOf(serviceOf(resources, name))).filter((secret) => secret.name.endsWith('-owner'));
      expect(owners).toEqual([]);
    }
  });

  test.each([
    ['user', userDemoEnd, ['postgres-rw:5432']],
    ['inventory', inventoryDemoEnd, ['postgres-rw:5432', 'valkey:6379']],
  ] as const)('takes the demo of %s away by a Job that knows and reaches nothing else', (name, schema, reached) => {
    const job = find(resources, 'Job', `demo-end-${name}`);
    const pod = podOf(job);
    expectRestricted(pod);
    const [container] = pod.containers as [Container];
    expect(container.image).toBe(podOf(serviceOf(resources, name)).containers[0]!.image);
    const { values, partsOfOthers } = environmentOf(container, resources);
    expect(schema.safeParse(values).error?.issues).toBeUndefined();
    expect(Object.keys(values).filter((key) => !(key in schema.shape) && !partsOfOthers.has(key))).toEqual([]);
    expect(hostsOf(values)).toEqual(reached);
    const policies = [...ofKind(resources, 'NetworkPolicy'), ...ofKind(infrastructure, 'NetworkPolicy')];
    const needed = reached.map((host) => servers[host]!);
    expect(egressOf(policies, labelsOf(job))).toEqual(needed.map(place).sort());
    for (const { labels, port } of needed) expect(mayEnter(policies, labels, port, labelsOf(job))).toBe(true);
  });

  test('has the demo, or what takes it away, and never both', () => {
    const jobsOf = (all: Resource[]) => ofKind(all, 'Job').map(({ metadata }) => metadata.name);
    const others = withBroker.includes(stack) ? ['set-up-broker'] : [];
    expect(jobsOf(resources)).toEqual(['set-up', 'demo-end-user', 'demo-end-inventory', ...others]);
    const shown = withComponent(resources, at('components/demo'));
    expect(jobsOf(shown).sort()).toEqual(['set-up', 'demo-user', 'demo-inventory', ...others].sort());
  });

  test('mentions no Secret that nobody makes', () => {
    const made = secretsMadeBy(at('secrets.sh'));
    const wanted = [...resources, ...demo].flatMap((one) => (templateOf(one) ? secretsOf(podOf(one)) : []));
    const missing = wanted.filter(({ name, key, optional }) => !optional && !made.get(name)?.includes(key));
    // Made by its operator.
    expect(missing.filter(({ name }) => name !== 'rabbitmq-default-user')).toEqual([]);
    expect(ofKind(resources, 'Secret')).toEqual([]);
  });
});

test('the overlays differ in the architecture and in nothing else', () => {
  const [first, ...others] = stackNames.map((stack) => {
    const rest = structuredClone(overlays[stack]).filter(
      ({ kind, metadata: { name } }) =>
        !['HorizontalPodAutoscaler', 'ScaledObject', 'TriggerAuthentication'].includes(kind) &&
        !['services-to-rabbitmq', 'set-up-broker'].includes(name),
    );
    delete find(rest, 'ConfigMap', 'settings').data!.STACK;
    const { data } = find(rest, 'ConfigMap', 'nginx');
    data!['nginx.conf'] = data!['nginx.conf']!.replaceAll(/^ +(# round robin|least_conn;)$/gm, '');
    for (const deployment of ofKind(rest, 'Deployment')) {
      for (const container of podOf(deployment).containers) {
        container.env = (container.env ?? []).filter(({ name }) => !name.startsWith('AMQP_'));
      }
    }
    return rest;
  });
  for (const other of others) expect(other).toEqual(first);
});

test('Valkey forgets what the Redis of npm start would forget, and no level of stock, which has no end', () => {
  const values = readFileSync(at('infrastructure/valkey-values.yaml'), 'utf8');
  const options = { executable: '', folder: '', logFile: '', port: 1, password: '', runAs: undefined };
  const { input } = redisProgram(options);
  const policyIn = (text: string) => /^\s*maxmemory-policy (\S+)$/m.exec(text)?.[1];
  expect(policyIn(values)).toBe('volatile-lru');
  expect(policyIn((input as { text: string }).text)).toBe('volatile-lru');
});

test('Valkey has the users of npm start, each with its own password, and every service comes as its own', () => {
  const { auth } = parse(readFileSync(at('infrastructure/valkey-values.yaml'), 'utf8')) as {
    auth: { usersExistingSecret: string; aclUsers: Record<string, { permissions: string; passwordKey: string }> };
  };
  const { default: everything, ...users } = auth.aclUsers;
  expect(everything?.passwordKey).toBe('default');
  expect(users).toEqual(
    Object.fromEntries(redisUsers.map((user) => [user, { permissions: permissionsOf(user), passwordKey: user }])),
  );
  expect(secretsMadeBy(at('secrets.sh')).get(auth.usersExistingSecret)).toEqual(['default', ...redisUsers]);
  for (const resources of Object.values(overlays)) {
    for (const name of serviceNames) {
      const [container] = podOf(serviceOf(resources, name)).containers as [Container];
      const { value } = container.env!.find((one) => one.name === 'REDIS_URL')!;
      expect(value).toBe(`redis://${name}:$(REDIS_PASSWORD)@valkey:6379`);
      expect(secretsOf(podOf(serviceOf(resources, name)))).toContainEqual({ name: 'valkey', key: name });
    }
  }
});

test.each(withBroker)(
  'a Job sets up RabbitMQ as its administrator; each service comes as its own user (%s)',
  (stack) => {
    const resources = overlays[stack];
    const job = find(resources, 'Job', 'set-up-broker');
    const pod = podOf(job);
    expectRestricted(pod);
    expect(pod.containers[0]!.image).toBe(podOf(find(resources, 'Job', 'set-up')).containers[0]!.image);
    const environment = environmentOf(pod.containers[0]!, resources);
    const given = Object.keys(environment.values).filter((name) => !environment.partsOfOthers.has(name));
    expect(given.sort()).toEqual(Object.keys(setupBrokerSchema.shape).sort());
    expect(Object.keys(brokerPasswordsFrom(setupBrokerSchema.parse(environment.values)))).toEqual(rabbitmqUsers);
    const policies = [...ofKind(resources, 'NetworkPolicy'), ...ofKind(infrastructure, 'NetworkPolicy')];
    const { labels } = servers['rabbitmq:5672']!;
    const ports = [5672, 15672];
    expect(egressOf(policies, labelsOf(job))).toEqual(ports.map((port) => place({ labels, port })).sort());
    for (const port of ports) expect(mayEnter(policies, labels, port, labelsOf(job))).toBe(true);

    const made = secretsMadeBy(at('secrets.sh'));
    for (const user of rabbitmqUsers) expect(made.get(`broker-${user}`)).toEqual(['username', 'password']);
    for (const name of serviceNames) {
      const service = serviceOf(resources, name);
      const { values } = environmentOf(podOf(service).containers[0]!, resources);
      expect(values.AMQP_URL).toMatch(new RegExp(`^amqp://${name}:x+@rabbitmq:5672$`));
      const ofBroker = secretsOf(podOf(service)).filter((secret) => /^(broker|rabbitmq)-/.test(secret.name));
      expect(ofBroker).toEqual([{ name: `broker-${name}`, key: 'password' }]);
      expect(mayEnter(policies, labels, 15672, labelsOf(service))).toBe(false);
    }
    const { secretTargetRef } = find(resources, 'TriggerAuthentication', 'rabbitmq').spec;
    expect(secretTargetRef.map(({ name }) => name)).toEqual(['broker-auditor', 'broker-auditor']);
  },
);

test.each(withBroker)(
  'the broker is that of the containers, and keeps its majority when nodes are emptied (%s)',
  (stack) => {
    const { image } = readCompose(composeFileOf(stack)).services.rabbitmq!;
    const { spec } = find(infrastructure, 'RabbitmqCluster', 'rabbitmq');
    expect(spec).toMatchObject({ replicas: 3, image: `${image}-management` });
    expect(find(infrastructure, 'PodDisruptionBudget', 'rabbitmq').spec).toEqual({
      maxUnavailable: 1,
      selector: { matchLabels: { 'app.kubernetes.io/name': 'rabbitmq' } },
    });
  },
);

test.each(withBroker)('every queue scales its service (%s)', (stack) => {
  const queues = ofKind(overlays[stack], 'ScaledObject').map(({ spec }) => {
    const queue = spec.triggers.find(({ type }) => type === 'rabbitmq');
    return [spec.scaleTargetRef.name, queue?.metadata.queueName];
  });
  expect(queues.sort()).toEqual(subscribingServices.map((name) => [name, name]).sort());
});

test('the demo is of the same release and as restricted as the services, and its settings are accepted', () => {
  for (const name of ['user', 'inventory'] as const) {
    const pod = podOf(find(demo, 'Job', `demo-${name}`));
    expectRestricted(pod);
    const container = pod.containers[0]!;
    expect(container.image).toBe(podOf(serviceOf(overlays[defaultStack], name)).containers[0]!.image);
    const { values } = environmentOf(container, overlays[defaultStack]);
    expect(settingsOf[name].safeParse(values).error?.issues).toBeUndefined();
  }
});

test('PostgreSQL has the databases and roles that the services use', () => {
  const { managed, postgresql } = find(infrastructure, 'Cluster', 'postgres').spec;
  const names = databases.map(databaseNameOf);
  expect(ofKind(infrastructure, 'Database').map(({ spec }) => [spec.name, spec.owner])).toEqual(
    names.map((name) => [name, `${name}_owner`]),
  );
  const roles = managed.roles.map(({ name }) => name);
  // Whoever may write all data may write any service's list of its migrations.
  expect(managed.roles.filter(({ inRoles = [] }) => inRoles.length > 0).map(({ name }) => name)).toEqual([auditorRole]);
  expect(roles.sort()).toEqual([...names.flatMap((name) => [name, `${name}_owner`]), auditorRole].sort());
  expect(postgresql.pg_hba).toEqual([
    ...names.map((name) => `host ${name} ${name},${name}_owner,${auditorRole} all scram-sha-256`),
    'host all all all reject',
  ]);
  const made = secretsMadeBy(at('secrets.sh'));
  for (const { passwordSecret } of managed.roles)
    expect(made.get(passwordSecret.name)).toEqual(['username', 'password']);
});

test("nginx's configuration is the one of nginx/ (to renew it: npm run kubernetes)", async () => {
  for (const [name, text] of Object.entries(await nginxFiles())) expect(readFileSync(at(name), 'utf8')).toBe(text);
});

test.each(stackNames)('nginx has every setting of its own, none of them set (%s)', (stack) => {
  const { data } = find(overlays[stack], 'ConfigMap', 'nginx-settings');
  expect(data).toEqual(Object.fromEntries(Object.keys(edgeSettings).map((name) => [name, ''])));
  const [container] = podOf(find(overlays[stack], 'Deployment', 'nginx')).containers;
  expect(container!.envFrom).toEqual([{ configMapRef: { name: 'nginx-settings' } }]);
});

test.each(stackNames)('the PROXY protocol takes the place of the listener that has been open (%s)', (stack) => {
  const { patches, configMapGenerator } = parseAllDocuments(
    readFileSync(at('components/proxy-protocol/kustomization.yaml'), 'utf8'),
  )[0]!.toJS() as {
    patches: { target: { kind: string; name: string }; patch: string }[];
    configMapGenerator: { literals: string[] }[];
  };
  expect(configMapGenerator[0]!.literals).toEqual(['EDGE_PROXY_PROTOCOL_PORT=8082']);
  const replaced = patches.map(({ target, patch }) => {
    const [{ path, value }] = JSON.parse(patch) as [{ path: string; value: number }];
    expect(value).toBe(8082);
    const keys = path.split('/').slice(1);
    return keys.reduce(
      (at: unknown, key) => (at as Record<string, unknown>)[key],
      find(overlays[stack], target.kind, target.name),
    );
  });
  expect(replaced).toEqual(['http', 8080]);
});

const component = 'app.kubernetes.io/component';
/** How long CoreDNS may tell of a pod that has gone: `ttl 30`, `cache 30`, as Kubernetes' own manifests have it. */
const coreDnsS = 30;
/** Until a load balancer's health checks have found a node without a pod: three of them, ten seconds apart. */
const loadBalancerS = 30;

/** Who is behind a name in the settings. */
const servers: Record<string, { labels: Labels; port: number }> = {
  'postgres-rw:5432': { labels: { 'cnpg.io/cluster': 'postgres' }, port: 5432 },
  'valkey:6379': { labels: { 'app.kubernetes.io/name': 'valkey' }, port: 6379 },
  'rabbitmq:5672': { labels: { 'app.kubernetes.io/name': 'rabbitmq' }, port: 5672 },
  'nginx-internal:8081': {
    labels: { 'app.kubernetes.io/part-of': 'flash-sale', 'app.kubernetes.io/component': 'balancer' },
    port: 8081,
  },
  // The chart's service leads from 80 to 8086.
  'influxdb:80': { labels: { 'app.kubernetes.io/name': 'influxdb2' }, port: 8086 },
};
const place = ({ labels, port }: { labels: object; port: number }) =>
  `${JSON.stringify(Object.entries(labels).filter(([name]) => name !== 'app.kubernetes.io/part-of'))}:${port}`;

/** Where pods with these labels may connect to, within the namespace. */
function egressOf(policies: Resource[], labels: Labels): string[] {
  const rules = policies
    .filter(({ spec }) => selects(spec.podSelector, labels))
    .flatMap(({ spec }) => spec.egress ?? []);
  return rules
    .flatMap(({ to = [{}] as Peer[], ports = [{ port: 0 }] }) =>
      to
        .filter(({ namespaceSelector }) => !namespaceSelector)
        .flatMap(({ podSelector }) => ports.map(({ port }) => place({ labels: podSelector?.matchLabels ?? {}, port }))),
    )
    .sort();
}

function mayEnter(policies: Resource[], target: Labels, port: number, from: Labels) {
  return policies
    .filter(({ spec }) => spec.podSelector.matchLabels && selects(spec.podSelector, target))
    .flatMap(({ spec }) => spec.ingress ?? [])
    .some(
      (rule) =>
        rule.ports?.some((one) => one.port === port) &&
        rule.from?.some(
          ({ podSelector, namespaceSelector }) =>
            !namespaceSelector && podSelector?.matchLabels && selects(podSelector, from),
        ),
    );
}

function expectRestricted(pod: Pod): void {
  expect(pod).toMatchObject({
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    serviceAccountName: expect.any(String),
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
  });
  for (const { securityContext } of pod.containers) {
    expect(securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  }
}

/** The keys of each Secret that the script prints. */
function secretsMadeBy(script: string): Map<string, string[]> {
  const printed = parseAllDocuments(execFileSync('sh', [script], { encoding: 'utf8' }));
  const made = printed.map((document) => document.toJS() as Resource & { stringData: Record<string, string> });
  for (const { stringData } of made) {
    for (const [key, value] of Object.entries(stringData))
      if (key !== 'username') expect(value).toMatch(/^[0-9a-f]{64}$/);
  }
  return new Map(made.map(({ metadata, stringData }) => [metadata.name, Object.keys(stringData)]));
}
