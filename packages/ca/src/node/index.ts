export {
  type AuthorityOptions,
  type LoadedAuthority,
  loadOrCreateAuthority,
} from './authority-directory.ts';
export { AuthorityFileError } from './authority-error.ts';
export {
  readKeyFile,
  readPlainKeyFile,
  writeKeyFile,
  writePlainKeyFile,
} from './key-file.ts';
export { KeyFileError, type KeyFileFault } from './key-file-error.ts';
export { readSecretFile } from './secret-file.ts';
