import { connect } from 'node:net';

const timeoutMs = 3_000;
const frameEnd = 0xce;
const headerBytes = 7;
const limitsBytes = 8;
// Class and method of AMQP 0-9-1, as one number.
const [start, startOk, tune, tuneOk] = [0x0a_000a, 0x0a_000b, 0x0a_001e, 0x0a_001f];
const [open, openOk, close, closeOk] = [0x0a_0028, 0x0a_0029, 0x0a_0032, 0x0a_0033];

/**
 * Opens an AMQP connection and closes it again, in the way that leaves no complaint in the broker's log. By hand:
 * amqplib does not tell a refused virtual host from a broker that is still starting. False while nothing answers;
 * `refused` means the password,
 * or a virtual host that is not there.
 */
export function opensConnection(url: string): Promise<boolean | 'refused'> {
  const { hostname, port, username, password, pathname } = new URL(url);
  const vhost = decodeURIComponent(pathname.slice(1)) || '/';
  return new Promise((resolve) => {
    const socket = connect({ port: Number(port), host: hostname, timeout: timeoutMs });
    let received = Buffer.alloc(0);
    let opened = false;
    const done = (answer: boolean | 'refused') => {
      socket.destroy();
      resolve(answer);
    };
    const answers: Record<number, () => void> = {
      [start]: () =>
        socket.write(
          frame(
            startOk,
            table(),
            short('PLAIN'),
            long(['', username, password].map(decodeURIComponent).join('\0')),
            short('en_US'),
          ),
        ),
      [tune]: () => {
        // Its own limits are fine with us.
        socket.write(frame(tuneOk, received.subarray(headerBytes + 4, headerBytes + 4 + limitsBytes)));
        socket.write(frame(open, short(vhost), short(''), Buffer.from([0])));
      },
      [openOk]: () => {
        opened = true;
        socket.write(frame(close, Buffer.from([0, 200]), short(''), Buffer.from([0, 0, 0, 0])));
      },
      [closeOk]: () => done(opened),
      [close]: () => done('refused'),
    };
    socket.once('connect', () => socket.write(Buffer.from('AMQP\0\0\x09\x01', 'latin1')));
    socket.on('data', (data) => {
      received = Buffer.concat([received, data]);
      for (let size = sizeOfFirst(received); size !== undefined; size = sizeOfFirst(received)) {
        answers[methodOf(received)]?.();
        received = received.subarray(size);
      }
    });
    socket.once('error', () => done(false));
    socket.once('close', () => done(false));
    socket.once('timeout', () => done(false));
  });
}

/** Of the first frame, if it has arrived as a whole. */
function sizeOfFirst(received: Buffer): number | undefined {
  if (received.length < headerBytes) return undefined;
  const size = headerBytes + received.readUInt32BE(3) + 1;
  return received.length >= size ? size : undefined;
}

function methodOf(received: Buffer): number {
  return received.readUInt16BE(headerBytes) * 0x1_0000 + received.readUInt16BE(headerBytes + 2);
}

function frame(method: number, ...fields: Buffer[]): Buffer {
  const payload = Buffer.concat([Buffer.alloc(4), ...fields]);
  payload.writeUInt32BE(method);
  const header = Buffer.from([1, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(payload.length, 3);
  return Buffer.concat([header, payload, Buffer.from([frameEnd])]);
}

/** Tells the broker that we understand a refusal: otherwise it only hangs up. */
function table(): Buffer {
  const capabilities = Buffer.concat([short('authentication_failure_close'), Buffer.from('t\x01', 'latin1')]);
  return long(Buffer.concat([short('capabilities'), Buffer.from('F'), long(capabilities)]));
}

function short(text: string): Buffer {
  return Buffer.concat([Buffer.from([Buffer.byteLength(text)]), Buffer.from(text)]);
}

function long(content: string | Buffer): Buffer {
  const length = Buffer.alloc(4);
  const bytes = Buffer.from(content as string);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
