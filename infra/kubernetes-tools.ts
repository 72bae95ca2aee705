/** `npm run kubernetes:tools`: gets kustomize, kubeconform and the schemas, by which `npm test` checks infra/kubernetes. */
import { argumentsOrExit, noArguments } from './command-line.ts';
import { installKubernetesTools } from './kubernetes/tools.ts';

argumentsOrExit(
  noArguments,
  'usage: npm run kubernetes:tools   gets kustomize, kubeconform and the schemas, by which npm test checks infra/kubernetes',
);

await installKubernetesTools(console.log);
console.log('kustomize, kubeconform and the schemas are under .local; npm test uses them');
