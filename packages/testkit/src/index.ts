export { foreignLeaf, type LeafOverrides, TestCa, type TestIdentity } from './certificates.ts';
