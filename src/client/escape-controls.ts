/** C0 and C1 controls, DEL, line and paragraph separators, and the characters that control text direction (UAX #9). */
const controls = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu

/**
 * Replaces every control character by its `\uXXXX` escape: a terminal would obey it, and text direction controls
 * reorder what a line shows. In a JSON string the escape means the same character, so escaped JSON is still valid.
 */
export function escapeControls (text: string): string {
  return text.replace(controls, control => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
