import type { Reporter, TestModule } from 'vitest/node';

/** Prints the line by which scripts and CI read a run: `N passed, N failed, N skipped`. */
class ClosingLineReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const count = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      // A file that fails to load has no tests of its own, and must not pass for nothing.
      if (module.state() === 'failed' && module.children.size === 0) count.failed += 1;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        count[state === 'pending' ? 'failed' : state] += 1;
      }
    }
    const line = `${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`;
    process.on('exit', () => console.log(line));
  }
}

// vitest loads a reporter named by its path through the default export.
export default ClosingLineReporter;
