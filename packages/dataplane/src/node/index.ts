export { type AppAddress, AppWatch, type AppWatchOptions } from './app-watch.ts';
export { ControlSession, type ControlSessionOptions, type ViewTaker } from './control-session.ts';
export { DnsResolver } from './dns-resolver.ts';
export { type Identity, identityOf, loadIdentity, saveIdentity } from './identity-file.ts';
export { checkControlPlane, checkJoinChain, controlPlaneId, peerMustBe } from './join-check.ts';
export { type LoadedView, loadView, type StoredView, saveView } from './last-known-good.ts';
