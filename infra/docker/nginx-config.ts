/** Prints the configuration of nginx in containers, for the Dockerfile: node infra/docker/nginx-config.ts STACK */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isStackName, stackNames } from '@flash-sale/shared/stacks.ts';
import { templates } from '../launcher/nginx.ts';
import { nginxConfigForContainers } from './nginx-settings.ts';

const [, , stack = ''] = process.argv;
if (!isStackName(stack)) {
  console.error(`usage: node infra/docker/nginx-config.ts ${stackNames.join('|')}`);
  process.exit(2);
}
process.stdout.write(nginxConfigForContainers(readFileSync(join(templates, 'nginx.conf.template'), 'utf8'), stack));
