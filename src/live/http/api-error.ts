/** Errors as a client of the OpenAI API expects them: a typed JSON object, and the same as an event of a stream. */

export interface ApiError {
  readonly status: number;
  /** Family of the error, as OpenAI's clients know it. */
  readonly type: string;
  /** What happened, for programs. */
  readonly code: string;
  /** What happened, for people. */
  readonly message: string;
  /** Field of the request at fault. */
  readonly param?: string | null;
  /** When asking again may help, seconds ≥ 0; undefined: the client is to decide. */
  readonly retryAfterSec?: number | undefined;
  /** Asking again is no use. */
  readonly isFinal?: boolean;
  /** Methods that are allowed instead. */
  readonly allow?: readonly string[];
}

/** A client's own mistake. */
export function badRequest(code: string, message: string, status = 400, param: string | null = null): ApiError {
  return { status, type: 'invalid_request_error', code, message, param, isFinal: true };
}

export function errorBody(error: ApiError): string {
  const { message, type, code, param = null } = error;
  return JSON.stringify({ error: { message, type, param, code } });
}

/** Name, value, name, value, … of an error's own response. */
export function errorHeaders(error: ApiError, bodyBytes: number): string[] {
  const headers = ['content-type', 'application/json', 'content-length', String(bodyBytes)];
  headers.push('x-spillway-error', error.code);
  if (error.retryAfterSec !== undefined)
    headers.push('retry-after', String(Math.max(0, Math.ceil(error.retryAfterSec))));
  if (error.allow !== undefined) headers.push('allow', error.allow.join(', '));
  // OpenAI's clients repeat by status unless told not to.
  if (error.isFinal === true) headers.push('x-should-retry', 'false');
  return headers;
}

/** The last event of a stream that broke. */
export function errorEvent(error: ApiError): string {
  return `data: ${errorBody(error)}\n\n`;
}

const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
  501: 'Not Implemented',
};

/** An error written to a connection on which no request could be read. */
export function rawErrorResponse(error: ApiError): string {
  const body = errorBody(error);
  const headers = ['connection', 'close', ...errorHeaders(error, Buffer.byteLength(body))];
  let head = `HTTP/1.1 ${error.status} ${REASONS[error.status] ?? 'Error'}\r\n`;
  for (let i = 0; i < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`;
  return `${head}\r\n${body}`;
}
