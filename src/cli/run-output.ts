/**
 * The folders of one `--out`: DIR itself for one variant; for several DIR/NAME each, and the comparison in
 * DIR.
 */
import { join } from 'node:path';
import { type FolderDocuments, OutputFolder } from './output-folder.ts';
import type { RecordFiles } from './record-files.ts';
import type { Documents } from './run-documents.ts';

export class RunOutput {
  readonly #path: string;
  readonly #several: boolean;
  readonly #folders = new Map<string, OutputFolder>();
  #top: OutputFolder | undefined;
  #finished = false;

  constructor(path: string, several: boolean) {
    this.#path = path;
    this.#several = several;
  }

  /** Makes the variant's folder and opens its records. Throws UsageError. */
  begin(variant: string): RecordFiles {
    this.#top ??= new OutputFolder(this.#path);
    const folder = this.#several ? new OutputFolder(join(this.#path, variant)) : this.#top;
    this.#folders.set(variant, folder);
    return folder.openRecords();
  }

  /** Writes the documents of all runs. Throws UsageError. */
  finish(documents: Documents): void {
    for (const [variant, folder] of this.#folders) {
      folder.finish(documents.byVariant.get(variant) as FolderDocuments);
    }
    if (this.#several) this.#top?.finish(documents);
    this.#finished = true;
  }

  interrupted(): void {
    for (const folder of this.#folders.values()) folder.interrupted();
    if (this.#several) this.#top?.interrupted();
    this.#finished = true;
  }

  /** Takes away what an unfinished run has made; does nothing after `finish` or `interrupted`. */
  discard(): void {
    if (this.#finished) return;
    for (const folder of this.#folders.values()) folder.discard();
    this.#top?.discard();
  }
}
