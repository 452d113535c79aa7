/** The environment for processes that are no part of what is tested here: tap counts no coverage in them. */
export const envWithoutCoverage = { ...process.env, _TAPJS_PROCESSINFO_COVERAGE_: '0' }
