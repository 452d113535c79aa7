import neostandard from 'neostandard'

export default [
  { ignores: ['dist/', 'coverage/', '.tap/'] },
  ...neostandard({ ts: true }),
  {
    ignores: ['test/**', 'src/client/operations.ts'],
    rules: {
      'max-len': ['error', { code: 120, ignoreUrls: true, ignoreRegExpLiterals: true }],
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }]
    }
  },
  {
    files: ['web/**/*.js', 'examples/**/*.js'],
    languageOptions: {
      globals: {
        document: 'readonly',
        location: 'readonly',
        matchMedia: 'readonly',
        devicePixelRatio: 'readonly',
        getComputedStyle: 'readonly',
        requestAnimationFrame: 'readonly',
        FormData: 'readonly',
        ResizeObserver: 'readonly'
      }
    }
  },
  {
    files: ['**/*.ts'],
    rules: {
      // Overloads and declaration merging of events read better side by side.
      'no-redeclare': 'off',
      '@typescript-eslint/no-redeclare': 'off',
      'no-dupe-class-members': 'off'
    }
  },
  {
    files: ['test/**/*.ts'],
    ignores: ['test/hosts/**'],
    rules: { 'max-len': ['error', { code: 120, ignoreUrls: true, ignoreRegExpLiterals: true }] }
  }
]
