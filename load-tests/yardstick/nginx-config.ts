export interface YardstickNginx {
  folder: string;
  port: number;
  upstreamPorts: number[];
  /** Of the workers, when nginx is started by root. */
  user?: string | undefined;
}

/** The balancing, workers and kept connections of nginx/nginx.conf.template, and nothing else of it. */
export function yardstickNginxConfig({ folder, port, upstreamPorts, user }: YardstickNginx): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `daemon off;
${user ? `user ${user};` : ''}
worker_processes 2;
pid ${folder}/nginx.pid;
error_log ${folder}/nginx-error.txt warn;
events { worker_connections 8192; }
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
  keepalive_timeout 60s;
  keepalive_requests 1000000;
  upstream hello {
    zone hello 128k;
    ${upstreamPorts.map((upstream) => `server 127.0.0.1:${upstream};`).join(' ')}
    keepalive 128;
    keepalive_timeout 60s;
    keepalive_requests 1000000;
  }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://hello;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }
  }
}
`;
}
