import neostandard from 'neostandard'

export default [
  { ignores: ['dist/', 'bench/dist/', 'coverage/', '.tap/'] },
  ...neostandard({ ts: true }),
  {
    files: ['**/*.ts'],
    rules: {
      // Overloads and declaration merging of events read better side by side.
      'no-redeclare': 'off',
      '@typescript-eslint/no-redeclare': 'off',
      'no-dupe-class-members': 'off'
    }
  }
]
