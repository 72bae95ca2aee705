import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Router } from 'express';
import { commonSchema, type CommonConfig } from '../config.ts';
import type { Kernel } from '../service/definition.ts';
import { serviceWithoutDatabase } from '../service/without-database.ts';
import { testEnvironment } from './service.ts';

/* A service that keeps nothing, and its client. */

interface Notes {
  onKernel?: (kernel: Kernel) => void;
  onClose?: () => void;
}

/** Answers `GET /hello`, and on an upgraded connection says what it hears, until it stops. Takes the place of one in the list. */
export const echoService = ({ onKernel, onClose }: Notes = {}) =>
  serviceWithoutDatabase<CommonConfig>({
    name: 'payment',
    build(kernel) {
      onKernel?.(kernel);
      return {
        routes: Router().get('/hello', (_request, response) => void response.json({ hello: 'there' })),
        onUpgrade(_request, socket) {
          socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
          socket.on('data', (heard) => socket.write(heard));
          kernel.draining.addEventListener('abort', () => socket.end('goodbye'));
        },
        close: () => Promise.resolve(onClose?.()),
      };
    },
  });

/** Its configuration, from an environment that knows of no database. */
export const echoConfig = (overrides: Record<string, string> = {}): CommonConfig => {
  const settings = Object.entries(testEnvironment(overrides)).filter(([name]) => !name.includes('DATABASE'));
  return commonSchema.parse(Object.fromEntries(settings));
};

/** Asks for an upgrade. @returns the connection, and what is said on it next */
export async function upgraded(url: string): Promise<{ socket: Socket; said: () => Promise<string> }> {
  const { hostname, port, host } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  socket.write(`GET /echo HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n`);
  return { socket, said: async () => String((await once(socket, 'data'))[0]) };
}
