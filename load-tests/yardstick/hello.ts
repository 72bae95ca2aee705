// The least an Express process can do. node hello.ts <port>
import express from 'express';

const app = express();
app.get('/', (_request, response) => {
  response.json({ hello: 'world' });
});
const server = app.listen(Number(process.argv[2]), '127.0.0.1');
server.keepAliveTimeout = 75_000; // above nginx's 60 s, as in the services
