/**
 * Lines of results and errors in the form of OpenAI's Batch API: `{id, custom_id, response, error}`. A row that an
 * endpoint has answered has a response, with whatever status; one that no endpoint answered has an error instead.
 */
import { createHash } from 'node:crypto';

/** A reply as its row has it. */
export interface RowReply {
  readonly status: number;
  /** Of the reply's headers, or the row's own id. */
  readonly requestId: string;
  /** As it came. */
  readonly text: string;
}

/** Why no endpoint answered. */
export interface RowError {
  readonly code: string;
  readonly message: string;
}

const ID_DIGITS = 24;

/** Of a row of an input with this hash: the same whenever it is run. */
export function rowId(inputHash: string, row: number): string {
  const digest = createHash('sha256').update(`${inputHash}/${row}`).digest('hex');
  return `batch_req_${digest.slice(0, ID_DIGITS)}`;
}

export function replyLine(id: string, customId: string, { status, requestId, text }: RowReply): string {
  const head = `"status_code":${status},"request_id":${JSON.stringify(requestId)}`;
  return `${opening(id, customId)},"response":{${head},"body":${bodyText(text)}},"error":null}`;
}

export function errorLine(id: string, customId: string, { code, message }: RowError): string {
  return `${opening(id, customId)},"response":null,"error":${JSON.stringify({ code, message })}}`;
}

/** The custom_id of a line that the two above wrote; undefined when they did not. */
export function customIdOf(text: string): string | undefined {
  try {
    const line = JSON.parse(text) as { readonly custom_id?: unknown; readonly response?: unknown } | null;
    const isOurs = typeof line?.custom_id === 'string' && line.response !== undefined;
    return isOurs ? line.custom_id : undefined;
  } catch {
    return undefined;
  }
}

function opening(id: string, customId: string): string {
  return `{"id":${JSON.stringify(id)},"custom_id":${JSON.stringify(customId)}`;
}

/** JSON stays as it came; its line breaks are blanks between its parts, never of its texts. */
function bodyText(text: string): string {
  try {
    JSON.parse(text);
    return text.trim().replaceAll(/[\r\n]/g, ' ');
  } catch {
    return JSON.stringify(text);
  }
}
