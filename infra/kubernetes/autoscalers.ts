import { services, type ServiceName } from '@flash-sale/contract/services.ts';
import { batchQueueOf, subscribingServices } from '@flash-sale/shared/messaging/amqp-topology.ts';
import { needsRabbitmq, type StackName, stackNames } from '@flash-sale/shared/stacks.ts';
import { layoutOf, processesOf, type ProcessOfServices } from '../docker/containers.ts';
import { sizeOf } from './service-manifests.ts';

const minReplicas = 2;

/** What decides how many pods there are of each process: what waits in its queue, if it has one, and processor time. */
export function autoscalers(stack: StackName): object[] {
  const hasBroker = needsRabbitmq(stack);
  return processesOf(layoutOf(stack)).map((process) => {
    const takers = process.holds.map(({ service }) => service).filter((name) => subscribingServices.includes(name));
    return hasBroker && takers.length > 0 ? byQueue(process, takers) : byProcessorTime(process);
  });
}

/** For the operator, the auditor and people. */
const furtherConnections = 25;

/** Connections of a service in each of its processes: lane, reads, background, a look at the migrations; and two to a further database. */
const connectionsOf = (service: ServiceName) => {
  const { hasDatabase, furtherDatabases } = services[service];
  return (hasDatabase ? 5 : 0) + 2 * furtherDatabases.length;
};

/** What PostgreSQL has to allow, in whichever stack, when all are scaled as far as they go. In hundreds. */
export function maxConnections(): number {
  const wanted = stackNames.map((stack) =>
    processesOf(layoutOf(stack)).reduce((sum, process) => {
      const each = process.holds.reduce((all, { service }) => all + connectionsOf(service), 0);
      // In a roll-out there are twice as many pods, since those that go stay for their preStop.
      return sum + 2 * sizeOf(process).maxReplicas * each;
    }, furtherConnections),
  );
  return Math.ceil(Math.max(...wanted) / 100) * 100;
}

const byProcessorTime = (process: ProcessOfServices) => ({
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  metadata: { name: process.name },
  spec: {
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: process.name },
    minReplicas,
    maxReplicas: sizeOf(process).maxReplicas,
    metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } } }],
  },
});

/** Scales by the messages that wait in a queue for each pod. */
const whatWaitsIn = (queueName: string, messagesPerPod: number) => ({
  type: 'rabbitmq',
  metadata: {
    host: 'amqp://rabbitmq.flash-sale.svc:5672',
    protocol: 'amqp',
    queueName,
    mode: 'QueueLength',
    value: String(messagesPerPod),
  },
  authenticationRef: { name: 'rabbitmq' },
});

const byQueue = (process: ProcessOfServices, takers: ServiceName[]) => ({
  apiVersion: 'keda.sh/v1alpha1',
  kind: 'ScaledObject',
  metadata: { name: process.name },
  spec: {
    scaleTargetRef: { name: process.name },
    minReplicaCount: minReplicas,
    maxReplicaCount: sizeOf(process).maxReplicas,
    // If RabbitMQ cannot be asked. What there is, is kept busy by processor time meanwhile.
    fallback: { failureThreshold: 3, replicas: minReplicas, behavior: 'currentReplicasIfHigher' },
    triggers: [
      // As many as a process takes off the queue by itself: 256 (AMQP_PREFETCH), and a quarter of it in batches.
      ...takers.flatMap((service) => [whatWaitsIn(service, 256), whatWaitsIn(batchQueueOf(service), 64)]),
      // Requests of shoppers come past the queue.
      { type: 'cpu', metricType: 'Utilization', metadata: { value: '70' } },
    ],
  },
});
