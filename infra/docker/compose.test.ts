import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { layouts, processOfServices } from '../../shared/src/layouts.ts';
import { environmentsIn } from '../../shared/src/service/environments.ts';
import { defaultStack, needsRabbitmq, stackNames, stacks, type StackName } from '../../shared/src/stacks.ts';
import { serviceNames, type ServiceName } from '@flash-sale/contract/services.ts';
import { databasesOf } from '../launcher/database-names.ts';
import { edgeSettings } from '../launcher/edge-settings.ts';
import { settings } from '../launcher/postgres.ts';
import { replicatorRole } from '../launcher/replica.ts';
import { administrator, rabbitmqUsers, userDefinitions, type RabbitmqPasswords } from '../launcher/rabbitmq-users.ts';
import { redisProgram } from '../launcher/redis.ts';
import { redisUsers, type RedisUser } from '../launcher/redis-users.ts';
import { settingsOf } from '../launcher/settings.ts';
import { folderOf, releases } from '../testing/release/fixture.ts';
import { composeFileOf, composeFiles, root } from './compose-files.ts';
import { instances, layoutOf, processesOf } from './containers.ts';
import { readCompose, servicesOf, type ComposeFile } from './testing/compose-file.ts';
import { nginxConfigForContainers } from './nginx-settings.ts';
import { setupBrokerSchema, setupSchema } from './setup-config.ts';

const read = (path: string) => readFileSync(join(root, path), 'utf8');
const ofBroker = ['rabbitmq', 'setup-broker', 'dlq'];
const services = 'infra/docker/services.yml';
const files = [...stackNames.map(composeFileOf), services, 'infra/docker/servers.yml'];
const processesIn = (stack: StackName) => processesOf(layoutOf(stack));
/** Each by its name, with the services in it. */
const containersOf = (stack: StackName) =>
  processesIn(stack).flatMap(({ name, holds }) =>
    instances.map((instance) => ({ container: `${name}-${instance}`, process: name, instance, holds })),
  );
const required = /\$\{(\w+):\?run infra\/docker\/secrets\}/g;

test('there is a file for each stack and no other, and infra/docker/verify goes through all of them', () => {
  const ours = ({ name = '' }: Partial<ComposeFile>) => name.startsWith('flash-sale-');
  const there = readdirSync(root).filter((name) => /^docker-compose\.\w+\.yml$/.test(name) && ours(readCompose(name)));
  expect(there.sort()).toEqual(stackNames.map(composeFileOf).sort());
  expect(verified('stacks').sort()).toEqual([...stackNames].sort());
});

/** What infra/docker/verify finds for itself. */
const verified = (variable: string): string[] =>
  askedOfVerify(new RegExp(`^${variable}=.*$`, 'm'), `echo $${variable}`);

function askedOfVerify(definition: RegExp, command: string): string[] {
  const [line] = definition.exec(read('infra/docker/verify'))!;
  const found = execFileSync('sh', ['-c', `${line}\n${command}`], { cwd: root, encoding: 'utf8' });
  return found.trim().split(/\s+/);
}

test('what follows from our lists is written in them (to renew it: npm run compose)', async () => {
  for (const [path, text] of Object.entries(await composeFiles())) expect([path, read(path)]).toEqual([path, text]);
});

test.each(stackNames)(
  '%s has two containers for each process of services and for no other, with an image of its own, and verify looks at all',
  (stack) => {
    const names = processesIn(stack).map(({ name }) => name);
    expect(askedOfVerify(/^names_of\(\) .*$/m, `names_of ${stack}`)).toEqual(names);
    const all = servicesOf(composeFileOf(stack));
    const built = Object.values(all).filter(({ build }) => build?.target?.startsWith('service'));
    expect(built.map(({ image }) => image).sort()).toEqual(names.map((name) => `flash-sale/${name}:local`).sort());
    const run = Object.keys(all).filter((name) => /-\d$/.test(name));
    expect(run).toEqual(containersOf(stack).map(({ container }) => container));
  },
);

test('any two stacks differ in the architecture, and in nothing else', () => {
  const [first, ...others] = stackNames.map((stack) => {
    const { services: own, ...rest } = readCompose(composeFileOf(stack));
    expect(rest).toEqual(expectedRest(stack));
    expect(ofBroker.filter((name) => name in own)).toEqual(needsRabbitmq(stack) ? ofBroker : []);
    const containers = Object.keys(own).filter((name) => !ofBroker.includes(name));
    const described = containers.map((name) => {
      const { environment, depends_on: needs, ...service } = own[name]!;
      if (environment) expect(environment['STACK']).toBe(stack);
      for (const other of Object.keys(needs ?? {}))
        expect([needsRabbitmq(stack), other]).toEqual([true, 'setup-broker']);
      const setting = Object.keys(environment ?? {}).filter((key) => !['STACK', 'AMQP_URL'].includes(key));
      const text = JSON.stringify(service)
        .replaceAll(stack, 'STACK')
        .replaceAll(`-${layoutOf(stack)}`, '-LAYOUT');
      return [name, setting, JSON.parse(text) as object] as const;
    });
    // Which processes there are is the architecture; each is as infra/docker/services.yml has it.
    const ofServices = containersOf(stack).map(({ container }) => container);
    for (const [name, setting, service] of described.filter(([one]) => ofServices.includes(one)))
      expect([name, setting, service]).toEqual([name, [], { extends: { file: services, service: name } }]);
    return described
      .filter(([name]) => !ofServices.includes(name))
      .map(([name, setting, service]) => [name, setting, withoutImageOfAll(stack, name, service)]);
  });
  for (const other of others) expect(other).toEqual(first);
});

/** The demo is loaded by the image that the stack has anyway. */
function withoutImageOfAll(stack: StackName, name: string, service: { image?: string }): object {
  if (!name.startsWith('demo-') || !layouts[layoutOf(stack)].together) return service;
  const { image, ...rest } = service;
  expect([name, image]).toEqual([name, `flash-sale/${processOfServices}:local`]);
  return rest;
}

/** What a file says beside its containers. */
function expectedRest(stack: StackName): object {
  const common = { name: `flash-sale-${stack}`, include: ['infra/docker/servers.yml'] };
  if (!needsRabbitmq(stack)) return { ...common, 'x-architecture': { environment: { STACK: stack } } };
  const architecture = { depends_on: { 'setup-broker': { condition: 'service_completed_successfully' } } };
  const asUser = (user: string) => {
    const password = `\${${user.toUpperCase()}_RABBITMQ_PASSWORD:?run infra/docker/secrets}`;
    return { ...architecture, environment: { STACK: stack, AMQP_URL: `amqp://${user}:${password}@rabbitmq:5672` } };
  };
  return {
    ...common,
    'x-architecture': architecture,
    ...Object.fromEntries([...serviceNames, 'auditor'].map((user) => [`x-${user}`, asUser(user)])),
    volumes: { rabbitmq: {} },
  };
}

type Environment = Record<string, string | null>;

/** As Compose fills it in, with a secret for each, and a replica or none. */
const filledIn = (text: string, replica: string) =>
  text
    .replaceAll(required, 'x'.repeat(32))
    .replaceAll(/\$\{POSTGRES_REPLICA:\+((?:[^{}]|\$\{POSTGRES_REPLICA\})*)\}/g, replica === '' ? '' : '$1')
    .replaceAll('${POSTGRES_REPLICA}', replica);

/** What a service makes of the environment of a container, in which it runs alone or with the others. */
function configOf(service: ServiceName, environment: Environment, process: string, replica = '') {
  const given = Object.entries(environment).filter(([, value]) => value !== null) as [string, string][];
  const filled = Object.fromEntries(given.map(([key, value]) => [key, filledIn(value, replica)]));
  const own = process === processOfServices ? environmentsIn(filled)[service] : { PORT: '3000', ...filled };
  return settingsOf[service].parse({ HOST: '0.0.0.0', ...own });
}

/** Settings that no service in it has; of one in a process of all, that this one has not. */
function unknownIn(environment: Environment, process: string): string[] {
  if (process !== processOfServices)
    return Object.keys(environment).filter((key) => !(key in settingsOf[process as ServiceName].shape));
  const ofEach = environmentsIn(environment as NodeJS.ProcessEnv);
  const own = serviceNames.flatMap((name) =>
    Object.keys(ofEach[name]).filter((key) => !(key in environment) && !(key in settingsOf[name].shape)),
  );
  const shared = Object.keys(environment).filter((key) => serviceNames.every((name) => key in ofEach[name]));
  return [...own, ...shared.filter((key) => serviceNames.every((name) => !(key in settingsOf[name].shape)))];
}

describe.each(stackNames)('the %s stack in containers', (stack) => {
  const all = servicesOf(composeFileOf(stack));

  test('gives every instance what its service needs to know, and nothing that it does not know', () => {
    for (const { container, process, instance, holds } of containersOf(stack)) {
      const environment = all[container]!.environment!;
      expect(unknownIn(environment, process)).toEqual([]);
      for (const { service, port } of holds) {
        const config = configOf(service, environment, process);
        expect(config).toMatchObject({ STACK: stack, SERVICE_INSTANCE: String(instance), PORT: port });
        expect(config).not.toHaveProperty('MIGRATION_DATABASE_URL');
        for (const { setting, name } of databasesOf(service))
          expect(config).toHaveProperty(`${setting}_URL`, expect.stringContaining(`//fs_${name}:`));
        expect(config.REDIS_URL).toContain(`//${service}:`);
        if (!needsRabbitmq(stack)) expect(config).not.toHaveProperty('AMQP_URL');
        else expect(config).toHaveProperty('AMQP_URL', expect.stringContaining(`//${service}:`));
      }
      expect(all[container]!.image).toBe(`flash-sale/${process}:local`);
      const target = process === processOfServices ? 'services' : 'service';
      const args = process === processOfServices ? {} : { args: { SERVICE: process } };
      if (instance === 1) expect(all[container]!.build).toEqual({ context: '../..', target, ...args });
      const { ipv4_address: address } = all[container]!.networks!['shop']!;
      expect(all['nginx']!.extra_hosts![container]).toBe(address);
    }
  });

  test('has each service read from the replica where there is one, and from nowhere else', () => {
    const { profiles, command, environment, depends_on: needs } = all['postgres-replica']!;
    expect(profiles).toEqual(['replicas']);
    expect(needs).toEqual({ setup: { condition: 'service_completed_successfully' } });
    const password = environment!['PGPASSWORD']!;
    expect(all['setup']!.environment!['REPLICATOR_PASSWORD']).toBe(`\${POSTGRES_REPLICA:+${password}}`);
    expect((command as string[])[0]).toContain(`-U ${replicatorRole} `);
    for (const { container, process, holds } of containersOf(stack))
      for (const { service } of holds) {
        const configured = (replica: string) =>
          configOf(service, all[container]!.environment!, process, replica) as Record<string, unknown>;
        const [without, withOne] = [configured(''), configured('there')];
        expect(without['READ_DATABASE_URL']).toBeUndefined();
        expect(withOne['READ_DATABASE_URL']).toBe(String(withOne['DATABASE_URL']).replace('@postgres:', '@there:'));
      }
  });

  test('tells a service the same as every other stack, but for what the architecture is', () => {
    const ofDefault = servicesOf(composeFileOf(defaultStack));
    // A stack of which each container has one service.
    expect(layouts[layoutOf(defaultStack)].together).toBe(false);
    for (const { container, process, instance, holds } of containersOf(stack))
      for (const { service } of holds) {
        const alone = ofDefault[`${service}-${instance}`]!.environment!;
        const architecture = { STACK: '', AMQP_URL: '', PORT: 0 };
        expect({ ...configOf(service, all[container]!.environment!, process), ...architecture }).toEqual({
          ...configOf(service, alone, service),
          ...architecture,
        });
      }
  });

  test('builds each image of its own by one service, and pulls none of them', () => {
    const own = Object.values(all).filter(({ image }) => image!.startsWith('flash-sale/'));
    const built = own.flatMap(({ image, build }) => (build ? [image] : []));
    expect([...built].sort()).toEqual([...new Set(own.map(({ image }) => image))].sort());
    expect(new Set(own.map(({ pull_policy: policy }) => policy))).toEqual(new Set(['never']));
  });

  test('gives the set-up the passwords of all databases', () => {
    const asked = Object.keys(setupSchema.shape).filter((name) => name !== 'PROVISIONED');
    expect(Object.keys(all['setup']!.environment!).sort()).toEqual(asked.sort());
  });

  test('lets a service drain before it is killed', () => {
    for (const { container } of containersOf(stack)) {
      const seconds = Number(/^(\d+)s$/.exec(all[container]!.stop_grace_period ?? '')?.[1]);
      const { DRAIN_TIMEOUT_MS } = settingsOf.user.shape;
      expect(seconds * 1_000).toBeGreaterThan(DRAIN_TIMEOUT_MS.parse(undefined) + 1_000);
    }
  });

  test('watches over every instance, and starts it again when it has ended', () => {
    const stages = read('Dockerfile').split(/^FROM /m);
    const stageOf = (name: string) => stages.find((one) => one.split('\n')[0]!.endsWith(` AS ${name}`))!;
    expect(stageOf('watched')).toContain('COPY infra/docker/run-watched infra/docker/is-ready /usr/local/bin/');
    expect(stageOf('watched')).toMatch(/^HEALTHCHECK .* CMD \["is-ready"\]$/m);
    for (const [name, main] of Object.entries({ service: 'src/main.ts', services: 'main.ts' })) {
      expect(stageOf(name)).toMatch(/^watched /);
      expect(stageOf(name)).toContain(`ENTRYPOINT ["run-watched", "node", "${main}"]`);
    }
    for (const name of ['run-watched', 'is-ready'])
      expect(statSync(join(root, 'infra/docker', name)).mode & 0o111).toBe(0o111);
    for (const { container } of containersOf(stack)) {
      expect(all[container]).toMatchObject({ restart: 'unless-stopped' });
      expect(all[container]).not.toHaveProperty('entrypoint');
    }
  });

  test('starts in order: set-up, services, nginx', () => {
    for (const { container } of containersOf(stack)) {
      expect(all[container]!.depends_on).toMatchObject({
        setup: { condition: 'service_completed_successfully' },
        redis: { condition: 'service_healthy' },
        ...(needsRabbitmq(stack) ? { 'setup-broker': { condition: 'service_completed_successfully' } } : {}),
      });
      expect(all['nginx']!.depends_on![container]).toEqual({ condition: 'service_healthy' });
    }
  });

  test('publishes nginx and Grafana, on loopback unless told otherwise, and Jaeger there alone', () => {
    const published = Object.entries(all).flatMap(([name, { ports = [] }]) => ports.map((port) => [name, port]));
    expect(published).toEqual([
      ['grafana', '${PUBLISH_ADDRESS:-127.0.0.1}:${GRAFANA_PORT:-3001}:3000'],
      ['jaeger', '127.0.0.1:${JAEGER_PORT:-16686}:16686'],
      ['nginx', '${PUBLISH_ADDRESS:-127.0.0.1}:${SHOP_PORT:-8080}:${EDGE_PROXY_PROTOCOL_PORT:-8080}'],
    ]);
    const { networks } = readCompose('infra/docker/servers.yml');
    const outward = Object.entries(networks!).flatMap(([name, { internal }]) => (internal ? [] : name));
    expect(outward).toEqual(['edge']);
    expect(Object.keys(all).filter((name) => 'edge' in all[name]!.networks!)).toEqual(['grafana', 'jaeger', 'nginx']);
    expect(all['jaeger']!.profiles).toEqual(['traces']);
  });

  test('lets containers read files of the repository, also where SELinux is on, and not write them', () => {
    const mounted = Object.values(all).flatMap(({ volumes = [] }) =>
      volumes.filter((volume) => volume.startsWith('.')),
    );
    expect(mounted).toHaveLength(needsRabbitmq(stack) ? 5 : 4);
    expect(mounted.filter((volume) => !volume.endsWith(':ro,z'))).toEqual([]);
  });

  test('makes accounts whose password everybody knows for nobody who did not ask for them', () => {
    for (const name of ['demo-user', 'demo-inventory']) expect(all[name]!.profiles).toEqual(['demo']);
    // They refuse a shop that strangers reach, unless that is said; nginx waits for them.
    const told = { PUBLISH_ADDRESS: '${PUBLISH_ADDRESS:-127.0.0.1}', PUBLIC_DEMO: '${PUBLIC_DEMO:-0}' };
    for (const name of ['demo-user', 'demo-inventory']) expect(all[name]!.environment).toMatchObject(told);
  });

  test('has no container that could become root, fill the disk with its log, or take the machine', () => {
    for (const [name, service] of Object.entries(all)) {
      expect({ name, ...service }).toMatchObject({
        name,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
        logging: { options: { 'max-size': expect.any(String), 'max-file': expect.any(String) } },
      });
      const runsOn = service.restart === 'unless-stopped';
      if (runsOn) expect(Object.keys(service.deploy!.resources.limits)).toEqual(['cpus', 'memory', 'pids']);
      if (service.image!.startsWith('flash-sale/')) expect([name, service.read_only]).toEqual([name, true]);
      // Compose cannot write one into a container that is read-only.
      expect([name, service.configs]).toEqual([name, undefined]);
    }
  });
});

describe('the files', () => {
  test('pin every image by its version', () => {
    const used = files.flatMap((file) => Object.values(readCompose(file).services).flatMap(({ image }) => image ?? []));
    const bases = [...read('Dockerfile').matchAll(/^FROM (\S+)/gm)].map(([, base]) => base!);
    const stages = [...read('Dockerfile').matchAll(/ AS (\S+)$/gm)].map(([, stage]) => stage!);
    const foreign = [...used, ...bases].filter((image) => !image.startsWith('flash-sale/') && !stages.includes(image));
    expect(foreign.length).toBeGreaterThan(7);
    expect(foreign.filter((image) => !/:\d+\.\d+(\.\d+)?(-[a-z-]+)?$/.test(image))).toEqual([]);
  });

  test('run the Node that package.json asks for', () => {
    const { dependencies } = JSON.parse(read('package.json')) as { dependencies: { node: string } };
    expect(read('Dockerfile')).toContain(`FROM node:${dependencies.node.replace('^', '')}-`);
  });

  test('hold no secret: each comes from the environment, or they say what to run', () => {
    const secret = /PASS(WORD)?$|TOKEN$|SECRET$/;
    for (const [file, { services: own }] of files.map((name) => [name, readCompose(name)] as const)) {
      for (const [key, value] of Object.values(own).flatMap(({ environment = {} }) => Object.entries(environment))) {
        const bare = (value ?? '').replaceAll(required, '').replace('${POSTGRES_REPLICA:+}', '');
        if (secret.test(key) && key !== 'ADMIN_PASSWORD') expect([file, key, bare]).toEqual([file, key, '']);
        expect([file, key, /:\/\/[^/@]*:[^/@]+@/.test(bare)]).toEqual([file, key, false]);
      }
    }
  });
});

describe('infra/docker/secrets', () => {
  let folder: string;
  beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'flash-sale-test-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const make = () =>
    execFileSync('sh', [join(root, 'infra/docker/secrets'), join(folder, '.env')], { encoding: 'utf8' });

  test('makes what the files ask for, each long enough, for nobody else to read, and once', () => {
    make();
    const text = readFileSync(join(folder, '.env'), 'utf8');
    const made = new Map([...text.matchAll(/^(\w+)=(.*)$/gm)].map(([, name, value]) => [name!, value!]));
    const asked = files.flatMap((file) => [...read(file).matchAll(required)].map(([, name]) => name!));
    expect([...new Set(asked)].filter((name) => !/^[\da-f]{64}$/.test(made.get(name) ?? ''))).toEqual([]);
    expect(new Set(made.values()).size).toBe(made.size);
    expect(statSync(join(folder, '.env')).mode & 0o777).toBe(0o600);
    expect(make()).toContain('stays as it is');
    expect(readFileSync(join(folder, '.env'), 'utf8')).toBe(text);
  });

  test('says where it has made it, without detours', () => {
    cpSync(join(root, 'infra/docker'), join(folder, 'infra/docker'), { recursive: true });
    const said = execFileSync('sh', ['infra/docker/secrets'], { cwd: folder, encoding: 'utf8', stdio: 'pipe' });
    expect(said).toMatch(/^made \/.*\/\.env\n$/);
    expect(said).not.toContain('..');
  });

  test('adds what the file lacks, and leaves the rest of it', () => {
    make();
    const text = readFileSync(join(folder, '.env'), 'utf8');
    writeFileSync(join(folder, '.env'), text.replace(/^JWT_SECRET=.*\n/m, '').trimEnd());
    expect(make()).toContain('but for what it lacked: JWT_SECRET');
    const lines = readFileSync(join(folder, '.env'), 'utf8').trimEnd().split('\n');
    expect(lines.pop()).toMatch(/^JWT_SECRET=[\da-f]{64}$/);
    expect(lines).toEqual(
      text
        .trimEnd()
        .split('\n')
        .filter((line) => !line.startsWith('JWT_SECRET=')),
    );
  });
});

describe.each(releases)('an installation of %s', (release) => {
  test('keeps its .env: a newer version only adds to it, and then lacks nothing', () => {
    const folder = mkdtempSync(join(tmpdir(), 'flash-sale-test-'));
    try {
      const file = join(folder, '.env');
      const before = readFileSync(join(folderOf(release), 'compose.env'), 'utf8');
      writeFileSync(file, before);
      execFileSync('sh', [join(root, 'infra/docker/secrets'), file]);
      const after = readFileSync(file, 'utf8');
      expect(after.startsWith(before)).toBe(true);
      const added = after.slice(before.length).split('\n').filter(Boolean);
      expect(added.filter((line) => !/^\w+=.+$/.test(line))).toEqual([]);
      const known = new Set([...after.matchAll(/^(\w+)=./gm)].map(([, name]) => name!));
      const asked = files.flatMap((path) => [...read(path).matchAll(/\$\{(\w+):?\?/g)].map(([, name]) => name!));
      expect(asked.length).toBeGreaterThan(0);
      expect(asked.filter((name) => !known.has(name))).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('the servers are set as those of npm start', () => {
  const { services: servers } = readCompose('infra/docker/servers.yml');

  test('PostgreSQL', () => {
    const given = (replica: string) =>
      [...filledIn(servers['postgres']!.command as string, replica).matchAll(/-c (\w+)=(\S+)/g)].map(([, k, v]) => [
        k,
        v,
      ]);
    const elsewhere = ['port', 'listen_addresses', 'unix_socket_directories'];
    // These are PostgreSQL's own defaults; the launcher names them because tests turn them off.
    const defaults = ['fsync', 'synchronous_commit', 'full_page_writes'];
    const ours = (replicas: number) =>
      Object.entries(settings({ port: 1, durable: true, replicas }))
        .map(([name, value]) => [name, String(value)])
        .filter(([name]) => ![...elsewhere, ...defaults].includes(name!));
    expect(given('')).toEqual(ours(0));
    // Of two for one setting the last counts. Who follows is let in by a file of the repository.
    const hba = { hba_file: '/etc/postgresql/replicated.conf' };
    expect(Object.fromEntries(given('there'))).toEqual({ ...Object.fromEntries(ours(1)), ...hba });
  });

  test('Redis', () => {
    const options = {
      executable: '',
      folder: '',
      logFile: '',
      port: 1,
      password: '$$REDIS_PASSWORD',
      users: Object.fromEntries(redisUsers.map((user) => [user, `$$${user.toUpperCase()}_REDIS_PASSWORD`])) as Record<
        RedisUser,
        string
      >,
      runAs: undefined,
    };
    const { input } = redisProgram(options);
    const ours = (input as { text: string }).text.trim().split('\n');
    const given = (servers['redis']!.command as string[])[2]!.trim().split('\n').slice(1, -1);
    expect(given).toEqual(ours.filter((line) => !/^(bind|port|unixsocket|daemonize) /.test(line)));
  });
});

describe.each(stackNames.filter(needsRabbitmq))('RabbitMQ in containers (%s)', (stack) => {
  const own = servicesOf(composeFileOf(stack));

  test('has the users of npm start with their rights, each time that it starts', () => {
    const [, , script] = own['rabbitmq']!.command as [string, string, string];
    const [, written] = /^\(umask 077 && cat > (\S+)\) <<END\n/.exec(script)!;
    expect(read('infra/docker/rabbitmq.conf')).toContain(`\nload_definitions = ${written}\n`);
    const passwords = Object.fromEntries(rabbitmqUsers.map((user) => [user, `of ${user}`])) as RabbitmqPasswords;
    passwords[administrator] = 'of the administrator';
    const names = Object.keys(own['rabbitmq']!.environment!).filter((name) => name.endsWith('RABBITMQ_PASSWORD'));
    const valueOf = (name: string) => passwords[name === 'RABBITMQ_PASSWORD' ? administrator : userOf(name)];
    const userOf = (name: string) => name.replace('_RABBITMQ_PASSWORD', '').toLowerCase() as keyof RabbitmqPasswords;
    const env = { PATH: process.env.PATH, ...Object.fromEntries(names.map((name) => [name, valueOf(name)])) };
    // As Compose passes it on, and as the shell then fills it in.
    const text = script
      .replaceAll('$$', '$')
      .replace(/^.*<<END$/m, 'cat <<END')
      .replace('exec rabbitmq-server\n', '');
    const definitions = JSON.parse(execFileSync('sh', ['-c', text], { env, encoding: 'utf8' })) as unknown;
    expect(definitions).toEqual(userDefinitions(passwords));
  });

  test('is set up by a container of its own, which alone comes as the administrator', () => {
    expect(own['setup-broker']).toMatchObject({
      image: own['setup']!.image,
      depends_on: { rabbitmq: { condition: 'service_healthy' } },
      command: ['infra/docker/setup-broker.ts'],
      restart: 'no',
    });
    const { environment } = own['setup-broker']!;
    const filled = Object.entries(environment!).map(([key, value]) => [key, value!.replaceAll(required, 'x')]);
    expect(setupBrokerSchema.parse(Object.fromEntries(filled))).toEqual(Object.fromEntries(filled));
    const asAdministrator = Object.entries(own).filter(([, one]) => /\bRABBITMQ_PASSWORD\b/.test(JSON.stringify(one)));
    expect(asAdministrator.map(([name]) => name).sort()).toEqual(['rabbitmq', 'setup-broker']);
    expect(own['dlq']!.environment!['AMQP_URL']).toContain('//operator:');
  });
});

describe('nginx in containers', () => {
  test.each(stackNames)(
    'knows every setting of its own, has its files, and begins with writing the others (%s)',
    (stack) => {
      const { environment } = servicesOf(composeFileOf(stack))['nginx']!;
      expect(Object.keys(environment!)).toEqual(Object.keys(edgeSettings));
      const dockerfile = read('Dockerfile');
      for (const name of ['problems.conf', 'cors.conf', 'edge.sh']) expect(dockerfile).toContain(`nginx/${name} `);
      expect(dockerfile).toContain('CMD ["sh", "/etc/nginx/edge.sh", "/tmp", "nginx"]');
    },
  );

  test.each(stackNames)('knows at which ports it listens anyway, that none of them is taken twice (%s)', (stack) => {
    const config = nginxConfigForContainers(read('nginx/nginx.conf.template'), stack);
    const ports = [...config.matchAll(/^ *listen \S+:(\d+) /gm)].map(([, port]) => port);
    expect(ports).toHaveLength(2);
    expect(read('nginx/edge.sh')).toContain(`\${EDGE_TAKEN_PORTS:-${ports.join(' ')}}`);
  });

  test('counts everybody by the rate limits unless told otherwise', () => {
    expect(read('infra/docker/secrets')).toMatch(/^#RATE_LIMIT_EXEMPT=/m);
    expect(read('infra/docker/secrets')).not.toMatch(/^RATE_LIMIT_EXEMPT=/m);
  });

  test.each(stackNames)('has the rules of npm start, with names for addresses (%s)', (stack) => {
    const config = nginxConfigForContainers(read('nginx/nginx.conf.template'), stack);
    for (const { container, holds } of containersOf(stack))
      for (const { port } of holds) expect(config).toContain(`server ${container}:${port} max_fails=0;`);
    expect(config.match(/least_conn;/g) ?? []).toHaveLength(
      stacks[stack].balancing === 'least-connections' ? serviceNames.length : 0,
    );
  });

  test.each(stackNames)(
    'knows every name at its start, and listens for services on their network only (%s)',
    (stack) => {
      const { networks, extra_hosts: hosts } = servicesOf(composeFileOf(stack))['nginx']!;
      const addresses = Object.values(hosts!);
      // From .128 on they are given out: infra/docker/servers.yml.
      for (const address of addresses) expect(Number(address.split('.').pop())).toBeLessThan(128);
      expect(Object.keys(hosts!)).toEqual(['nginx-internal', ...containersOf(stack).map(({ container }) => container)]);
      expect(new Set(addresses).size).toBe(addresses.length);
      expect(nginxConfigForContainers(read('nginx/nginx.conf.template'), stack)).toContain(
        'listen nginx-internal:8081 ',
      );
      expect(networks).toEqual({
        edge: {},
        shop: { ipv4_address: hosts!['nginx-internal'], aliases: ['nginx-internal'] },
      });
    },
  );
});
