import { connect } from 'amqplib';

const timeoutMs = 3_000;

/**
 * Opens an AMQP connection and closes it again. False while nothing answers; `refused` means the password, or a virtual
 * host that is not there.
 */
export async function opensConnection(url: string): Promise<boolean | 'refused'> {
  try {
    const model = await connect(url, { timeout: timeoutMs });
    model.on('error', () => {}); // closing tells of it, too
    await model.close();
    return true;
  } catch (error) {
    return isRefusal(error) ? 'refused' : false;
  }
}

/** The replies 403 ACCESS_REFUSED and 530 NOT_ALLOWED; amqplib tells them only in its message. */
const isRefusal = (error: unknown): boolean => error instanceof Error && /\b(403|530) \(/.test(error.message);
