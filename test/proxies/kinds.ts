/** Where a proxy listens with TLS, and the ports of what is behind it: the service, and an app with the plugin. */
export interface Ports { readonly proxy: number, readonly service: number, readonly app: number }

/** The configuration of a proxy. */
export interface ProxyFile { readonly file: string, readonly text: string }

/** A proxy program: its command, arguments and configuration, in a folder of its own. */
export interface ProxyKind {
  readonly command: string
  readonly args: (folder: string) => string[]
  /** The files `cert.pem`, `key.pem` and `both.pem` are there already. */
  readonly configure: (folder: string, ports: Ports) => ProxyFile
  /** Path of the service's endpoint where WebSockets that are silent for a second are closed, as they are at /kept/. */
  readonly idlePath?: string
  /** The service over HTTP/1.0. */
  readonly http10Path?: string
}

/**
 * Each proxy has the same paths: /play/ is the service, whose prefix is stripped; /kept/ is the app, which knows its
 * prefix.
 */
export const nginx: ProxyKind = {
  command: 'nginx',
  idlePath: '/idle/ws',
  http10Path: '/old',
  args: folder => ['-p', folder, '-e', 'stderr', '-c', 'nginx.conf'],
  configure: (folder, { proxy, service, app }) => nginxFile(`
  map $http_upgrade $connection_upgrade { default upgrade; '' close; }
  server {
    listen 127.0.0.1:${proxy} ssl;
    ssl_certificate cert.pem;
    ssl_certificate_key key.pem;
    proxy_buffering off;
    location /play/ {
      proxy_pass http://127.0.0.1:${service}/;
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      ${forwarded('/play')}
    }
    location /idle/ {
      proxy_pass http://127.0.0.1:${service}/;
      proxy_http_version 1.1;
      proxy_read_timeout 3s;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      ${forwarded('/idle')}
    }
    location /kept/ {
      proxy_pass http://127.0.0.1:${app};
      proxy_http_version 1.1;
      proxy_read_timeout 3s;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      ${forwarded('')}
    }
    # By default nginx uses HTTP/1.0 and drops Upgrade.
    location /old/ {
      proxy_pass http://127.0.0.1:${service}/;
      ${forwarded('/old')}
    }
  }`)
}

/** nginx.conf with this in its block `http`. */
export function nginxFile (http: string): ProxyFile {
  return {
    file: 'nginx.conf',
    text: `
daemon off;
master_process off;
pid nginx.pid;
events {}
http {
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  ${http}
}
`
  }
}

function forwarded (prefix: string): string {
  return `proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Prefix "${prefix}";`
}

export const caddy: ProxyKind = {
  command: 'caddy',
  args: folder => ['run', '--adapter', 'caddyfile', '--config', `${folder}/Caddyfile`],
  configure: (folder, { proxy, service, app }) => ({
    file: 'Caddyfile',
    text: `
{
  admin off
  auto_https disable_redirects
}
https://localhost:${proxy} {
  bind 127.0.0.1
  tls ${folder}/cert.pem ${folder}/key.pem
  handle_path /play/* {
    reverse_proxy 127.0.0.1:${service} {
      header_up X-Forwarded-Prefix /play
    }
  }
  handle /kept/* {
    reverse_proxy 127.0.0.1:${app}
  }
}
`
  })
}

export const haproxy: ProxyKind = {
  command: 'haproxy',
  idlePath: '/play/ws',
  args: folder => ['-f', `${folder}/haproxy.cfg`],
  configure: (folder, { proxy, service, app }) => ({
    file: 'haproxy.cfg',
    text: `
global
  maxconn 200
defaults
  mode http
  option forwardfor
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  timeout tunnel 3s
frontend tls
  bind 127.0.0.1:${proxy} ssl crt ${folder}/both.pem
  http-request set-header X-Forwarded-Proto https
  use_backend service if { path_beg /play/ }
  default_backend app
backend service
  http-request set-header X-Forwarded-Prefix /play
  http-request replace-path /play(/.*) \\1
  server service 127.0.0.1:${service}
backend app
  server app 127.0.0.1:${app}
`
  })
}
