import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse, parseAllDocuments } from 'yaml';
import { batchQueueOf, subscribingServices } from '../../shared/src/messaging/amqp-topology.ts';
import { environmentsIn, settingOf } from '../../shared/src/service/environments.ts';
import { defaultStack, needsRabbitmq, stackNames, type StackName } from '../../shared/src/stacks.ts';
import { demoEndSchema as inventoryDemoEnd } from '../../services/inventory/src/config.ts';
import { demoEndSchema as userDemoEnd } from '../../services/user/src/config.ts';
import { auditorRole, databaseNameOf, databases } from '../launcher/database-names.ts';
import { serviceNames, services, type ServiceName } from '@flash-sale/contract/services.ts';
import { brokerPasswordsFrom, setupBrokerSchema, setupSchema } from '../docker/setup-config.ts';
import { rabbitmqUsers } from '../launcher/rabbitmq-users.ts';
import { permissionsOf, redisUsers } from '../launcher/redis-users.ts';
import { redisProgram } from '../launcher/redis.ts';
import { settingsOf } from '../launcher/settings.ts';
import { edgeSettings } from '../launcher/edge-settings.ts';
import { kubernetesFiles } from './files.ts';
import { secretVariable } from './service-manifests.ts';
import { singleServices } from './single-services.ts';
import { environmentOf, hostsOf, secretsOf } from './testing/environment.ts';
import { composeFileOf } from '../docker/compose-files.ts';
import { layoutOf, processesOf } from '../docker/containers.ts';
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
const withBroker = stackNames.filter((stack) => needsRabbitmq(stack));

const podOf = ({ spec }: Resource) => spec.template.spec;
const labelsOf = ({ spec }: Resource) => spec.template.metadata.labels!;
const selects = ({ matchLabels = {} }: { matchLabels?: Labels }, labels: Labels) =>
  Object.entries(matchLabels).every(([name, value]) => labels[name] === value);
/** The processes of a stack that run services, each with its Deployment. */
const processesIn = (stack: StackName) =>
  processesOf(layoutOf(stack)).map((one) => ({ ...one, deployment: find(overlays[stack], 'Deployment', one.name) }));
const processOf = (stack: StackName, service: ServiceName) =>
  processesIn(stack).find(({ holds }) => holds.some((held) => held.service === service))!;
const deploymentOf = (stack: StackName, service: ServiceName) => processOf(stack, service).deployment;

/** What a service is told by the container that it runs in, alone or with the others. */
function toldTo(stack: StackName, service: ServiceName) {
  const { holds, deployment } = processOf(stack, service);
  const container = podOf(deployment).containers[0]!;
  const { values, partsOfOthers } = environmentOf(container, overlays[stack]);
  const inProcess = holds.length > 1;
  return {
    container,
    values: inProcess ? (environmentsIn(values)[service] as Record<string, string>) : values,
    partsOfOthers: new Set([...partsOfOthers].map((name) => (inProcess ? name.replace(/^[A-Z]+__/, '') : name))),
  };
}

test('there is an overlay for each stack, and no other', () => {
  expect(readdirSync(at('overlays')).sort()).toEqual([...stackNames].sort());
});

describe.each(stackNames)('the %s overlay', (stack) => {
  const resources = overlays[stack];
  const deployments = ofKind(resources, 'Deployment');
  const settings = find(resources, 'ConfigMap', 'settings').data!;

  test('runs the services and nginx', () => {
    const names = processesIn(stack).map(({ name }) => name);
    expect(deployments.map(({ metadata }) => metadata.name).sort()).toEqual([...names, 'nginx'].sort());
    expect(processesIn(stack).flatMap(({ holds }) => holds.map(({ service }) => service))).toEqual(serviceNames);
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
      const asked = [startupProbe, livenessProbe, readinessProbe].map(
        ({ httpGet, exec }) => httpGet?.path ?? exec?.command.join(' '),
      );
      // `is-ready` asks each of several services for /readyz: infra/docker/is-ready.test.ts.
      const starts = pod.containers[0]!.ports!.length > 1 ? 'is-ready' : '/readyz';
      expect(asked).toEqual(labels[component] === 'service' ? [starts, '/healthz', '/healthz'] : Array(3));
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
      const maxMs = one.metadata.name === 'nginx' ? 40_000 : Number(settings.DRAIN_TIMEOUT_MS) + 1_000;
      expect(pod.terminationGracePeriodSeconds * 1_000).toBeGreaterThan(
        lifecycle.preStop.sleep.seconds * 1_000 + maxMs,
      );
    });
  });

  describe.each(serviceNames)('the environment of %s', (name) => {
    const { container, values, partsOfOthers } = toldTo(stack, name);
    const { name: process, holds, deployment } = processOf(stack, name);
    const { port } = holds.find(({ service }) => service === name)!;

    test('is that of its image, of this release', () => {
      const { version } = JSON.parse(readFileSync(at('../../package.json'), 'utf8')) as { version: string };
      expect(container.image).toBe(`flash-sale/${process}:${version}`);
    });

    test('is one that the service accepts', () => {
      expect(settingsOf[name].safeParse(values).error?.issues).toBeUndefined();
    });

    test('has no name that the service does not know', () => {
      const own = Object.keys(values).filter((key) => !partsOfOthers.has(key) && !(key in settingsOf[name].shape));
      expect(own).toEqual([]);
    });

    test('is the same as in every other stack, but for what the architecture is', () => {
      const architecture = { STACK: '', PORT: 0, AMQP_URL: '' };
      const parsed = (of: StackName) => ({ ...settingsOf[name].parse(toldTo(of, name).values), ...architecture });
      expect(parsed(stack)).toEqual(parsed(defaultStack));
      const named = (variable: string) => (holds.length > 1 ? settingOf(name, variable) : variable);
      for (const { variable, secret, key } of singleServices[name]?.secrets ?? [])
        expect(container.env).toContainEqual(secretVariable(named(variable), secret, key, true));
    });

    test('says the port at which nginx finds it, by its pods, and where probes and metrics find it', () => {
      expect(Number(values.PORT)).toBe(port);
      expect(container.ports!.filter(({ containerPort }) => containerPort === port)).toHaveLength(1);
      expect(container.ports![0]).toEqual({ name: 'http', containerPort: 3000 });
      const conf = find(resources, 'ConfigMap', 'nginx').data!['nginx.conf']!;
      const [upstream] = new RegExp(`upstream ${name} \\{[^}]*\\}`).exec(conf)!;
      expect(upstream).toContain(`server ${process}.flash-sale.svc.cluster.local:${port} resolve max_fails=0;`);
      const { spec } = find(resources, 'Service', process);
      expect(spec.clusterIP).toBe('None');
      expect(selects({ matchLabels: spec.selector as Labels }, labelsOf(deployment))).toBe(true);
      const policies = ofKind(resources, 'NetworkPolicy');
      const nginx = labelsOf(find(resources, 'Deployment', 'nginx'));
      expect(mayEnter(policies, labelsOf(deployment), port, nginx)).toBe(true);
      expect(egressOf(policies, nginx)).toContain(place({ labels: { [component]: 'service' }, port }));
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
    for (const { deployment } of processesIn(stack)) {
      const labels = labelsOf(deployment);
      const reached = hostsOf(environmentOf(podOf(deployment).containers[0]!, resources).values);
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
    const perPod = (name: ServiceName) =>
      (services[name].hasDatabase ? 1 + 2 + 1 + 1 : 0) + 2 * services[name].furtherDatabases.length;
    // In a roll-out each pod's successor is there before it has gone.
    const wanted = processesIn(stack).reduce(
      (sum, { name, holds }) => sum + holds.reduce((all, { service }) => all + 2 * most[name]! * perPod(service), 0),
      0,
    );
    const { parameters } = find(infrastructure, 'Cluster', 'postgres').spec.postgresql;
    // The rest is for the operator, the auditor and people.
    expect(wanted).toBeLessThanOrEqual(Number(parameters.max_connections) - 25);
  });

  test('sets up the databases by a Job, which alone knows the passwords of their owners', () => {
    const job = find(resources, 'Job', 'set-up');
    const pod = podOf(job);
    expectRestricted(pod);
    const { values } = environmentOf(pod.containers[0]!, resources);
    // Who follows PostgreSQL there is its operator's.
    const known = Object.keys(setupSchema.shape).filter((name) => name !== 'REPLICATOR_PASSWORD');
    expect(Object.keys(values).sort()).toEqual(known.sort());
    expect(setupSchema.parse(values)).toMatchObject({ PROVISIONED: true });
    const policies = [...ofKind(resources, 'NetworkPolicy'), ...ofKind(infrastructure, 'NetworkPolicy')];
    const postgres = servers['postgres-rw:5432']!;
    expect(egressOf(policies, labelsOf(job))).toEqual([place(postgres)]);
    expect(mayEnter(policies, postgres.labels, postgres.port, labelsOf(job))).toBe(true);
    for (const { deployment } of processesIn(stack)) {
      const owners = secretsOf(podOf(deployment)).filter((secret) => secret.name.endsWith('-owner'));
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
    expect(container.image).toBe(podOf(deploymentOf(stack, name)).containers[0]!.image);
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

test('any two overlays differ in the architecture and in nothing else', () => {
  const [first, ...others] = stackNames.map((stack) => {
    // Which processes run the services is the architecture; what a service is told in them is compared above.
    const ofProcess = ({ kind, metadata: { name } }: Resource) =>
      ['Deployment', 'Service', 'ServiceAccount', 'PodDisruptionBudget'].includes(kind) &&
      processesIn(stack).some((process) => process.name === name);
    const rest = structuredClone(overlays[stack]).filter(
      (one) =>
        !ofProcess(one) &&
        !(isScaler(one) && one.metadata.name !== 'nginx') &&
        !['services-to-rabbitmq', 'set-up-broker', 'nginx-to-all-services', 'all-services'].includes(one.metadata.name),
    );
    delete find(rest, 'ConfigMap', 'settings').data!.STACK;
    const { data } = find(rest, 'ConfigMap', 'nginx');
    data!['nginx.conf'] = data!
      ['nginx.conf']!.replaceAll(/^ +(# round robin|least_conn;)$/gm, '')
      .replaceAll(/server \w+\.flash-sale\.svc\.cluster\.local:\d+ /g, 'server A_PROCESS ');
    for (const job of ofKind(rest, 'Job'))
      for (const container of podOf(job).containers) container.image = imageInSeparate(stack, container.image, job);
    return rest;
  });
  for (const other of others) expect(other).toEqual(first);
});

/** The Jobs of single services run in the image that the stack has anyway, where that has all services. */
function imageInSeparate(stack: StackName, image: string, { metadata }: Resource): string {
  const service = serviceNames.find((name) => metadata.name === `demo-end-${name}`);
  return service ? image.replace(`/${processOf(stack, service).name}:`, `/${service}:`) : image;
}

test('the Deployments of services are alike in any two overlays, but for what they hold', () => {
  const [first, ...others] = stackNames.flatMap((stack) =>
    processesIn(stack).map(({ name, deployment }) => {
      const { spec, metadata } = structuredClone(deployment);
      const [container] = spec.template.spec.containers as [Partial<Container>];
      for (const own of ['image', 'ports', 'envFrom', 'env', 'resources', 'startupProbe'] as const)
        delete container[own];
      return JSON.parse(JSON.stringify({ spec, metadata }).replaceAll(`"${name}"`, '"A_PROCESS"')) as object;
    }),
  );
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
  for (const stack of stackNames) {
    for (const name of serviceNames) {
      const { holds, deployment } = processOf(stack, name);
      const named = (variable: string) => (holds.length > 1 ? settingOf(name, variable) : variable);
      const { env } = podOf(deployment).containers[0]!;
      const { value } = env!.find((one) => one.name === named('REDIS_URL'))!;
      expect(value).toBe(`redis://${name}:$(${named('REDIS_PASSWORD')})@valkey:6379`);
      const { valueFrom } = env!.find((one) => one.name === named('REDIS_PASSWORD'))!;
      expect(valueFrom).toEqual({ secretKeyRef: { name: 'valkey', key: name } });
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
      const service = deploymentOf(stack, name);
      const { values } = toldTo(stack, name);
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
  const queues = ofKind(overlays[stack], 'ScaledObject').flatMap(({ spec }) =>
    spec.triggers
      .filter(({ type }) => type === 'rabbitmq')
      .map(({ metadata }) => [spec.scaleTargetRef.name, metadata.queueName]),
  );
  expect(queues.sort()).toEqual(
    subscribingServices.flatMap((name) => [name, batchQueueOf(name)].map((queue) => [name, queue])).sort(),
  );
});

test('the demo is of the same release and as restricted as the services, and its settings are accepted', () => {
  for (const name of ['user', 'inventory'] as const) {
    const pod = podOf(find(demo, 'Job', `demo-${name}`));
    expectRestricted(pod);
    const container = pod.containers[0]!;
    expect(container.image).toBe(podOf(deploymentOf(defaultStack, name)).containers[0]!.image);
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

test("what follows from our lists is written in them, and nginx's configuration is the one of nginx/ (to renew it: npm run kubernetes)", async () => {
  for (const [name, text] of Object.entries(await kubernetesFiles()))
    expect([name, readFileSync(at(name), 'utf8')]).toEqual([name, text]);
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

test.each(stackNames)('reads go to the standbys where that is wanted (%s)', (stack) => {
  const { patches } = parse(readFileSync(at('components/replicas/kustomization.yaml'), 'utf8')) as {
    patches: { target: { kind: string; name: string }; patch: string }[];
  };
  for (const { name, holds, deployment } of processesIn(stack)) {
    const { patch } = patches.find(({ target }) => target.kind === 'Deployment' && target.name === name)!;
    const container = structuredClone(podOf(deployment).containers[0]!);
    for (const { op, path, value } of JSON.parse(patch) as { op: string; path: string; value: { name: string } }[]) {
      expect([op, path]).toEqual(['add', '/spec/template/spec/containers/0/env/-']);
      container.env!.push(value);
    }
    const { values } = environmentOf(container, overlays[stack]);
    for (const { service } of holds) {
      const own = holds.length > 1 ? environmentsIn(values)[service] : values;
      const parsed = settingsOf[service].parse(own) as Record<string, unknown>;
      expect(parsed['DATABASE_URL']).toContain('@postgres-rw:');
      expect(parsed['READ_DATABASE_URL']).toBe(
        String(parsed['DATABASE_URL']).replace('@postgres-rw:', '@postgres-ro:'),
      );
    }
  }
});

const isScaler = ({ kind }: Resource) =>
  ['HorizontalPodAutoscaler', 'ScaledObject', 'TriggerAuthentication'].includes(kind);

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
