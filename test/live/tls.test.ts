/** TLS on both sides of the proxy. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { request as secureRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FIRST, SECOND } from './certificates.ts';
import { chat, CHAT, failureOf } from './clients.ts';
import { settingsOf, Stage } from './stage.ts';

let stage: Stage;
let folder: string;
beforeEach(() => {
  stage = new Stage();
  folder = mkdtempSync(join(tmpdir(), 'spillway-'));
});
afterEach(async () => {
  await stage.close();
  rmSync(folder, { recursive: true, force: true });
});

function write(material: typeof FIRST): void {
  writeFileSync(join(folder, 'cert.pem'), material.cert);
  writeFileSync(join(folder, 'key.pem'), material.key);
}

/** Status of a chat, and the name in the certificate that was shown. */
function secureChat(url: string, ca: string): Promise<{ status: number; name: string }> {
  return new Promise((resolve, reject) => {
    const request = secureRequest(`${url}/v1/chat/completions`, { method: 'POST', ca, agent: false }, (response) => {
      const { subject } = (response.socket as TLSSocket).getPeerCertificate();
      response.resume();
      response.once('end', () => resolve({ status: response.statusCode ?? 0, name: subject.CN as string }));
    });
    request.once('error', reject);
    request.end(JSON.stringify(CHAT));
  });
}

describe('the listener', () => {
  it('speaks TLS, and renews its certificate without a restart', async () => {
    const engine = await stage.engine();
    write(FIRST);
    const config = { workers: [engine.url], tls: { cert_file: 'cert.pem', key_file: 'key.pem' } };
    const proxy = await stage.proxy([engine.url], config, { folder });
    expect(proxy.url).toMatch(/^https:/);
    expect(await secureChat(proxy.url, FIRST.cert)).toEqual({ status: 200, name: 'spillway.test' });
    write(SECOND);
    await proxy.reload(settingsOf(config, { folder }));
    expect(await secureChat(proxy.url, SECOND.cert)).toEqual({ status: 200, name: 'spillway.test renewed' });
    await expect(secureChat(proxy.url, FIRST.cert)).rejects.toThrow();
  });

  it('refuses a certificate that cannot be read', () => {
    const config = { workers: ['http://w'], tls: { cert_file: 'cert.pem', key_file: 'key.pem' } };
    expect(() => settingsOf(config, { folder })).toThrow('tls.cert_file');
    write({ cert: 'no certificate', key: FIRST.key });
    expect(() => settingsOf(config, { folder })).toThrow('is no PEM file');
  });
});

describe('workers', () => {
  it('are spoken to by TLS, and trusted by the configured certificates only', async () => {
    const server = createServer(FIRST, (request, response) => {
      request.resume();
      response.end('{"over":"tls"}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    write(FIRST);
    const upstream = { ca_file: 'cert.pem', server_name: 'spillway.test' };
    const trusting = await stage.proxy([url], { upstream }, { folder });
    const reply = await chat(trusting.url);
    expect([reply.status, await reply.text()]).toEqual([200, '{"over":"tls"}']);
    const wary = await stage.proxy([url]);
    expect(await failureOf(await chat(wary.url))).toMatchObject({ status: 502, code: 'upstream_failed' });
    const misled = await stage.proxy([url], { upstream: { ...upstream, server_name: 'other.test' } }, { folder });
    expect((await chat(misled.url)).status).toBe(502);
    await trusting.close();
    server.close();
    server.closeAllConnections();
  });
});
