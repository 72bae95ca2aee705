import { runService } from '@flash-sale/shared/service/run.ts';
import { transportFor } from '@flash-sale/shared/service/transports.ts';
import { readConfig } from './config.ts';
import { paymentService } from './service.ts';

const config = readConfig();
await runService(paymentService, config, transportFor(config.STACK));
