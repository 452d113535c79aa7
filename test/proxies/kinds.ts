import { hosting } from './hosting.ts'

/**
 * Where a proxy listens with TLS: at `proxy` for a site with the service at /play/, at `site` for the service at the
 * root of a host. And what is behind it: the service, and an app with the plugin.
 */
export interface Ports { readonly proxy: number, readonly site: number, readonly service: number, readonly app: number }

/** The configuration of a proxy. */
export interface ProxyFile { readonly file: string, readonly text: string }

/** A proxy program: its command, arguments and configuration, in a folder of its own. */
export interface ProxyKind {
  readonly command: string
  readonly args: (folder: string) => string[]
  /** The files of `keyFiles` are there already. */
  readonly configure: (folder: string, ports: Ports) => ProxyFile
  /** Path of the service's endpoint where WebSockets that are silent for a second are closed, as they are at /kept/. */
  readonly idlePath?: string
  /** The service over HTTP/1.0. */
  readonly http10Path?: string
}

/** Names of the certificate with its chain, its key, and both in one file. */
export const keyFiles = { chain: 'fullchain.pem', key: 'privkey.pem', both: 'both.pem' }

/** Whether proxies may change their user, as they do when they are started at boot. */
export const isRoot = process.getuid?.() === 0

const certificates = '/etc/ssl/game.example/'
const service = '127.0.0.1:3000'

/**
 * Each proxy has the files of hosting/, in which /play/ is the service, whose prefix is stripped, and what tests need
 * besides: /kept/ is the app, which knows its prefix.
 */
export const nginx: ProxyKind = {
  command: 'nginx',
  idlePath: '/idle/ws',
  http10Path: '/old',
  args: folder => ['-p', folder, '-e', 'stderr', '-c', 'nginx.conf'],
  configure: (folder, ports) => nginxFile(nginxSite('nginx/site.conf', folder, ports.site, {
    [service]: `127.0.0.1:${ports.service}`
  }) + nginxSite('nginx/prefix.conf', folder, ports.proxy, {
    [service]: `127.0.0.1:${ports.service}`,
    '    location /play/ {': `
      location /idle/ {
        proxy_pass http://127.0.0.1:${ports.service}/;
        ${upgrading}
        proxy_read_timeout 3s;
      }
      location /kept/ {
        proxy_pass http://127.0.0.1:${ports.app};
        ${upgrading}
        proxy_read_timeout 3s;
      }
      # By default nginx uses HTTP/1.0 and drops Upgrade.
      location /old/ {
        proxy_pass http://127.0.0.1:${ports.service}/;
        proxy_buffering off;
      }
      location /play/ {`
  }))
}

const upgrading = `
  proxy_http_version 1.1;
  proxy_set_header Host $http_host;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header Upgrade $http_upgrade;
  proxy_set_header Connection $connection_upgrade;`

/** A site of hosting/ that listens at this port. */
export function nginxSite (file: string, folder: string, port: number, changes: Record<string, string>): string {
  return hosting(file, {
    'listen 443 ssl': `listen 127.0.0.1:${port} ssl`, [certificates]: `${folder}/`, ...changes
  })
}

/** nginx.conf with these sites, below the folder that nginx is started with, and without other processes. */
export function nginxFile (sites: string): ProxyFile {
  return {
    file: 'nginx.conf',
    text: hosting('nginx/nginx.conf', {
      'worker_processes auto;': 'daemon off; master_process off;',
      '/run/nginx.pid': 'nginx.pid',
      'access_log /var/log/nginx/access.log;': `
        access_log off;
        client_body_temp_path body;
        proxy_temp_path proxy;
        fastcgi_temp_path fastcgi;
        uwsgi_temp_path uwsgi;
        scgi_temp_path scgi;`,
      'include /etc/nginx/conf.d/*.conf;': sites
    })
  }
}

export const caddy: ProxyKind = {
  command: 'caddy',
  args: folder => ['run', '--adapter', 'caddyfile', '--config', `${folder}/Caddyfile`],
  configure: (folder, ports) => {
    const changes = { [service]: `127.0.0.1:${ports.service}` }
    const kept = `handle /kept/* {
        reverse_proxy 127.0.0.1:${ports.app}
      }`
    return caddyFile(
      caddySite('caddy/Caddyfile', folder, ports.site, changes) +
      caddySite('caddy/prefix.Caddyfile', folder, ports.proxy, { ...changes, '\thandle {': `${kept}\n\thandle {` })
    )
  }
}

/** A site of hosting/ that listens at this port. */
export function caddySite (file: string, folder: string, port: number, changes: Record<string, string>): string {
  return hosting(file, {
    'game.example {': `https://localhost:${port} {
      bind 127.0.0.1
      tls ${folder}/${keyFiles.chain} ${folder}/${keyFiles.key}`,
    ...changes
  })
}

/** The sites without what a test has no use for. */
export function caddyFile (sites: string): ProxyFile {
  return { file: 'Caddyfile', text: `{\n admin off\n auto_https disable_redirects\n}\n${sites}` }
}

export const haproxy: ProxyKind = {
  command: 'haproxy',
  idlePath: '/play/ws',
  args: folder => ['-f', `${folder}/haproxy.cfg`],
  configure: (folder, ports) => ({
    file: 'haproxy.cfg',
    text: hosting('haproxy/haproxy.cfg', {
      ...!isRoot && { '    user haproxy\n    group haproxy\n    chroot /var/lib/haproxy\n': '' },
      // More than tests may open elsewhere.
      'maxconn 20000': 'maxconn 200',
      'bind :443': `bind 127.0.0.1:${ports.proxy},127.0.0.1:${ports.site}`,
      [certificates]: `${folder}/`,
      'timeout tunnel 60s': 'timeout tunnel 3s',
      [service]: `127.0.0.1:${ports.service}`,
      default_backend: `use_backend app if { path_beg /kept/ }
    default_backend`
    }) + `
backend app
    server app 127.0.0.1:${ports.app}
`
  })
}
