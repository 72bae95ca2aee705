import { runService } from '@flash-sale/shared/service/run.ts';
import { transportFor } from '@flash-sale/shared/service/transports.ts';
import { readConfig } from './config.ts';
import { orderService } from './service.ts';

const config = readConfig();
await runService(orderService, config, transportFor(config.STACK));
