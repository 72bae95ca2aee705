/** Prints the configuration of nginx in containers, for the Dockerfile: node infra/docker/nginx-config.ts sync|async */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { templates } from '../launcher/nginx.ts';
import { nginxConfigForContainers } from './nginx-settings.ts';

const stack = process.argv[2];
if (stack !== 'sync' && stack !== 'async') {
  console.error('usage: node infra/docker/nginx-config.ts sync|async');
  process.exit(2);
}
process.stdout.write(nginxConfigForContainers(readFileSync(join(templates, 'nginx.conf.template'), 'utf8'), stack));
