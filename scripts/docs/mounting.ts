// The page about mounting, and that of the hosts in which it is tested.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { kinds } from '../../test/hosts/kinds.ts'
import { table } from './markdown.ts'
import { root } from '../root.ts'

interface Lock { readonly packages: Readonly<Record<string, { readonly version?: string } | undefined>> }

const prose = `\
The plugin is designed to be mounted in an existing app, and to change nothing else in it. This page has the details,
[fastify.md](fastify.md) is the guide. \`test/hosts/\` mounts the plugin in each kind of host of
[hosts.md](hosts.md), with the real plugins, and compares it with the same host without the plugin: the same requests
get the same responses, header by header, also those that offer upgrades the plugin does not know; the host's own
sockets work; the endpoint, REST API and event streams of the plugin work in it; the app closes in time. This is part of
\`npm test\`, and a promise: a host of that list that breaks is a bug.

## Upgrades

The plugin takes only WebSocket handshakes for its own endpoints: a GET whose \`Upgrade\` offers \`websocket\` (possibly
among others), and whose path the host's own router leads to the plugin's route, with its \`rewriteUrl\`, constraints,
and settings for case, slashes and semicolons.

- Socket.IO, \`ws\`, \`@fastify/websocket\`, \`@fastify/http-proxy\`, gateways of NestJS and other listeners of
  \`upgrade\` on the same server get all other upgrades, whether they are set up before or after the plugin. They never
  see the plugin's handshakes, so they cannot refuse them.
- Where nobody else listens, an offer of another protocol (\`h2c\` of Java or curl, \`TLS/1.2\`), or
  \`Upgrade: websocket\` on an ordinary route, gets the response that it gets without the plugin (RFC 9110, 7.8).
- A WebSocket handshake for a route of the REST API gets 400. \`Upgrade: websocket\` alone, as some proxies send it
  with every request, does not make a request a handshake.
- To decide, the router is asked before the request is routed: \`rewriteUrl\`, \`genReqId\` and the functions of
  constraints are called once more for a WebSocket handshake. No hook or handler is. With asynchronous constraints the
  endpoint works only while nobody else listens.

The plugin registers \`@fastify/websocket\` in a separate scope; you may register it too, before or after the plugin,
with your options. \`injectWS\` works either way, in the instance that registers the plugin and in its children. If a
bundler renames functions and yours is registered before the plugin, other listeners of \`upgrade\` see the plugin's
handshakes too.

HTTP/2 has no upgrades: the endpoint responds to it with 426. An app with \`http2\` has WebSocket clients only with
\`https: { allowHTTP1: true }\`, over HTTP/1.1.

## Guards

All hooks of the host run before the 101: \`onRequest\` to \`preHandler\`, including those that another plugin adds to
this one's route in \`onRoute\` (\`@fastify/rate-limit\` in any hook), then \`onSend\`. Whatever one of them sends
instead is the response, and the connection closes within a second. They have \`handshakeTimeout\` seconds in all, then
the client gets 408.

Headers and cookies that hooks set are sent with the 101, except those about the connection or a body, up to 3 KiB: a
Godot client accepts 4 KiB of headers. \`onResponse\` is not called for a client that joins; \`reply.raw\` and
\`request.socket\` emit \`close\` when it leaves.

\`adminRoutes\` needs \`token\`, or \`auth: false\` if your hooks guard it. Errors of its routes and of the endpoint are
problem documents (RFC 9457), also for what your hooks throw, which keeps its status, its \`headers\`, and a
\`WWW-Authenticate\` that a hook has set; your error handler, validators, serializers, content type parsers and
\`preSerialization\` hooks do not apply to them. Handshakes are logged with your serializers of \`req\` and
\`res\`; tokens in what these return are masked, and so are members named \`authorization\` and \`cookie\`.

## Addresses

Limits, bans and \`getPeerAddress\` use \`request.ip\`. Behind a proxy set Fastify's \`trustProxy\`
([security.md](security.md#reverse-proxies)); [operations.md](operations.md#behind-a-proxy-with-tls) has nginx and
Caddy.

## Prefixes

\`path\` of the endpoint is below the prefix of the scope, or of \`register\`; both may have parameters, except with
\`lobbyRoutes\`, which has to know the URLs of rooms. \`adminRoutes\` accepts any prefix, \`''\` and \`'/'\` too: with
those, the host responds to unknown paths. Below any other prefix \`adminRoutes\` and \`lobbyRoutes\` do so
themselves. Fastify allows one 404 handler for a prefix, and fails with \`already declared for route '/api/*'\`: if a
scope of yours has the same prefix and a 404 handler, register them in that scope, without a prefix. For several servers
in one app see options \`name\` and \`server\` in [options](options.md).

## Timeouts

| of the host | effect on the plugin |
| --- | --- |
| \`http.headersTimeout\`, \`requestTimeout\` | until the upgrade request is complete ([details](reliability.md)) |
| \`connectionTimeout\` | none on peers, event streams and requests that wait |
| \`handlerTimeout\` | limits hooks before the 101; none on peers, event streams and requests that wait |
| \`keepAliveTimeout\`, \`http2SessionTimeout\` | none |
| \`pluginTimeout\` | after nine tenths of it joining a cluster fails, and an app that closes refuses connections |
| \`maxConnections\` of the HTTP server | counts peers |

\`app.close()\` closes peers with 1001 and waits for them at most \`closeTimeout\`, also if that exceeds
\`pluginTimeout\`. Sockets of peers stay the server's: \`getConnections()\` counts them, and their end is reported to
every listener.`

/** The lines of the page about mounting. */
export function mountingPage (): string[] {
  return prose.split('\n')
}

/** The lines of the page with the hosts of the matrix (test/hosts). */
export function hostsPage (): string[] {
  const count = Object.values(kinds).flat().length
  return [
    `[mounting.md](mounting.md) has the rules, \`test/hosts/\` the tests: ${count} kinds of hosts, each with Fastify`,
    `${versionOf('.', 'fastify')} (peer dependency \`^5.3.0\`). "Before ours" and "after ours" say where the host ` +
      'registers its plugin.',
    ...Object.entries(kinds).flatMap(([group, hosts]) => ['', `## ${group}`, '', ...table(['host', 'packages'],
      hosts.map(({ name, packages = [] }) => [name, packages.map(withVersion).join(', ')]))])
  ]
}

function withVersion (name: string): string {
  return `\`${name}\` ${versionOf('test/hosts', name)}`
}

/** The version that a folder's lock file has of a package. */
function versionOf (folder: string, name: string): string {
  const lock = JSON.parse(readFileSync(join(root, folder, 'package-lock.json'), 'utf8')) as Lock
  const { version } = lock.packages[`node_modules/${name}`] ?? {}
  if (version === undefined) throw new Error(`${folder}: no version of ${name}`)
  return version
}
