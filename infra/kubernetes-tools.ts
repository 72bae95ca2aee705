/** `npm run kubernetes:tools`: gets kustomize, kubeconform and the schemas, by which `npm test` checks infra/kubernetes. */
import { installKubernetesTools } from './kubernetes/tools.ts';

await installKubernetesTools(console.log);
console.log('kustomize, kubeconform and the schemas are under .local; npm test uses them');
