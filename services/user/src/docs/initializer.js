// A file of its own, because the page's security policy allows no inline scripts.
const ui = window.SwaggerUIBundle({
  url: 'openapi.json',
  dom_id: '#docs',
  // Nothing is to be fetched from elsewhere: the page works offline, and tells nobody of its readers.
  validatorUrl: null,
  deepLinking: true,
  displayRequestDuration: true,
  persistAuthorization: false,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  tryItOutEnabled: true,
  requestInterceptor: withNewKey,
});

/** Whoever leaves the example of a key as it is means a new purchase: the same key again would get the first answer. */
function withNewKey(request) {
  const name = 'Idempotency-Key';
  if (request.headers?.[name] !== undefined && request.headers[name] === exampleOf(name)) {
    // Not crypto.randomUUID(): that is missing where the page comes by plain HTTP from another machine.
    const random = window.crypto.getRandomValues(new Uint8Array(16));
    request.headers[name] = Array.from(random, (byte) => byte.toString(16).padStart(2, '0')).join('');
  }
  return request;
}

function exampleOf(name) {
  const { paths } = ui.specSelectors.specJson().toJS();
  const parameters = Object.values(paths)
    .flatMap(Object.values)
    .flatMap((operation) => operation.parameters ?? []);
  return parameters.find((parameter) => parameter.name === name)?.example;
}
