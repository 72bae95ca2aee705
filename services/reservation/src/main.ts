import { runService } from '@flash-sale/shared/service/run.ts';
import { transportFor } from '@flash-sale/shared/service/transports.ts';
import { readConfig } from './config.ts';
import { reservationService } from './service.ts';

const config = readConfig();
await runService(reservationService, config, transportFor(config.STACK));
