import { appendFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';

export interface FileExporterOptions {
  /** There already. */
  folder: string;
  /** Of the file, without its end: of one process and service alone. */
  name: string;
  /** At which the file makes place for another; the one before it is kept as well. */
  maxBytes: number;
}

/** Writes spans to a file, a request of OTLP as JSON in each line: https://opentelemetry.io/docs/specs/otel/protocol/file-exporter */
export class FileExporter implements SpanExporter {
  readonly #file: string;
  readonly #maxBytes: number;
  /** Whether the last line may be cut short, by us or by a process before us: what follows it begins a line of its own. */
  #isCut = true;
  #writing: Promise<void> = Promise.resolve();

  constructor({ folder, name, maxBytes }: FileExporterOptions) {
    this.#file = join(folder, `${name}.jsonl`);
    this.#maxBytes = maxBytes;
  }

  export(spans: ReadableSpan[], done: Parameters<SpanExporter['export']>[1]): void {
    this.#writing = this.#writing
      .then(() => this.#write(spans))
      .then(
        () => done({ code: 0 }),
        (error: Error) => done({ code: 1, error }),
      );
  }

  shutdown(): Promise<void> {
    return this.#writing;
  }

  async #write(spans: ReadableSpan[]): Promise<void> {
    const line = JsonTraceSerializer.serializeRequest(spans) ?? Buffer.of();
    const end = Buffer.from('\n');
    const bytes = await sizeOf(this.#file);
    if (bytes > 0 && bytes + line.length + 2 > this.#maxBytes) await rename(this.#file, `${this.#file}.1`);
    const isCut = this.#isCut && bytes > 0;
    this.#isCut = true;
    await appendFile(this.#file, Buffer.concat([...(isCut ? [end] : []), line, end]), { mode: 0o600 });
    this.#isCut = false;
  }
}

const sizeOf = (file: string): Promise<number> =>
  stat(file).then(
    ({ size }) => size,
    () => 0,
  );
