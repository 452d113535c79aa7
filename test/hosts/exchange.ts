import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import type { HostRequest } from './host-kind.ts'

/** A response, as far as it can be compared. */
export interface Answer { status: number, headers: Record<string, string>, body: string }

const TIMEOUT = 60_000
const decoders: Readonly<Record<string, (bytes: Buffer) => Buffer>> = { gzip: gunzipSync, br: brotliDecompressSync }

/** Where a host listens. */
export interface Address { readonly port: number, readonly isTls: boolean }

/** Sends requests one after the other, each on a connection of its own, with the cookies of earlier responses. */
export async function exchange (address: Address, requests: readonly HostRequest[], mask?: RegExp): Promise<Answer[]> {
  const cookies = new Map<string, string>()
  const answers: Answer[] = []
  for (const request of requests) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const answer = await ask(address, { ...request, headers: { ...(cookie === '' ? {} : { cookie }), ...request.headers } })
    keepCookies(answer.headers['set-cookie'] ?? '', cookies)
    answers.push(comparable(answer, address.port, mask))
  }
  return answers
}

function keepCookies (header: string, cookies: Map<string, string>): void {
  for (const line of header.split('\n')) {
    const [, name, value] = /^([^=;]+)=([^;]*)/.exec(line) ?? []
    if (name !== undefined) cookies.set(name, value)
  }
}

/** Without what differs from one run to the next. */
function comparable ({ status, headers, body }: Answer, port: number, mask: RegExp | undefined): Answer {
  const clean = (text: string): string => masked(text.replaceAll(`:${port}`, ':PORT'), mask)
  const { date, ...others } = headers
  return { status, headers: JSON.parse(clean(JSON.stringify(others))), body: clean(body) }
}

/** A text with the first group of every match of the mask hidden. */
export function masked (text: string, mask: RegExp | undefined): string {
  if (mask === undefined) return text
  return text.replace(new RegExp(mask, 'g'), (all, ...groups: unknown[]) => {
    const parts = groups.filter(group => typeof group === 'string').slice(0, -1)
    return parts.reduce((rest: string, part) => rest.replace(part as string, '*'), all)
  })
}

/** The response to one request; 101 too. */
export async function ask ({ port, isTls }: Address, { path, method = 'GET', headers, body }: Omit<HostRequest, 'status'>): Promise<Answer> {
  const request = (isTls ? httpsRequest : httpRequest)({
    host: '127.0.0.1', port, path, method, headers: headers as OutgoingHttpHeaders, agent: false, timeout: TIMEOUT, rejectUnauthorized: false
  })
  const received = new Promise<Answer>((resolve, reject) => {
    request.on('response', response => { read(response).then(resolve, reject) })
    request.on('upgrade', (response, socket) => {
      socket.destroy()
      resolve({ status: 101, headers: joined(response), body: '' })
    })
    request.on('timeout', () => { request.destroy(new Error(`no response to ${method} ${path}`)) })
    request.on('error', reject)
  })
  request.end(body)
  return await received
}

/** A response that has not ended. */
export interface Following {
  /** Waits for text that matches. */
  next (pattern: RegExp): Promise<RegExpExecArray>
  end (): void
}

/** Reads a response as it comes. */
export async function follow ({ port, isTls }: Address, { path, headers }: { path: string, headers: Record<string, string> }): Promise<Following> {
  const request = (isTls ? httpsRequest : httpRequest)({ host: '127.0.0.1', port, path, headers, agent: false, rejectUnauthorized: false }).end()
  const [response] = await once(request, 'response') as [IncomingMessage]
  if (response.statusCode !== 200) throw new Error(`expected 200, got ${response.statusCode}`)
  const iterator = response.setEncoding('utf8')[Symbol.asyncIterator]()
  let text = ''
  return {
    next: async pattern => {
      for (;;) {
        const found = pattern.exec(text)
        if (found !== null) return found
        const { done, value } = await iterator.next()
        if (done === true) throw new Error(`the response ended: ${text}`)
        text += value
      }
    },
    end: () => { request.on('error', () => {}).destroy() }
  }
}

async function read (response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  const bytes = Buffer.concat(chunks)
  // A response to HEAD names the encoding of a body that it does not have.
  const decode = bytes.length === 0 ? undefined : decoders[response.headers['content-encoding'] ?? '']
  return { status: response.statusCode!, headers: joined(response), body: (decode?.(bytes) ?? bytes).toString() }
}

function joined ({ headers }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value].flat().join('\n')]))
}
