/** The environment for child processes whose coverage tap must not measure. */
export const envWithoutCoverage = { ...process.env, _TAPJS_PROCESSINFO_COVERAGE_: '0' }
