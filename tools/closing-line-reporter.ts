import type { Reporter, TestCase, TestModule } from 'vitest/node';

/**
 * Prints each test that was skipped with what it needs, and the line by which scripts and CI read a
 * run: `N passed, N failed, N skipped`.
 */
class ClosingLineReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const count = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    const skipped: string[] = [];
    for (const module of modules) {
      let failed = 0;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        const outcome = state === 'pending' ? 'failed' : state;
        count[outcome] += 1;
        if (outcome === 'failed') failed += 1;
        if (outcome === 'skipped') skipped.push(describeSkip(module, test));
      }
      // A file that fails to load, or in a hook, has no failed test of its own, and must not pass for nothing.
      if (module.state() === 'failed' && failed === 0) count.failed += 1;
    }
    const line = `${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`;
    process.on('exit', () => console.log([...skipped, line].join('\n')));
  }
}

/** `skipped: e2e/page.test.ts > shows the mesh: needs chromium` */
function describeSkip(module: TestModule, test: TestCase): string {
  const result = test.result();
  const note = 'note' in result && result.note !== undefined ? `: ${result.note}` : '';
  return `skipped: ${module.relativeModuleId} > ${test.fullName}${note}`;
}

// vitest loads a reporter named by its path through the default export.
export default ClosingLineReporter;
