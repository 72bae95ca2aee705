// A file of its own, because the page's security policy allows no inline scripts.
window.SwaggerUIBundle({
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
});
