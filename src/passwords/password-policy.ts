/** NIST SP 800-63B-4 asks for at least 64. The bound prevents denial of service by long passwords. */
export const PASSWORD_MAX_CODE_POINTS = 256;

/**
 * How a new password violates the rules of length and encoding, in a sentence; null when it does not. Length counts code
 * points after NFC, and there are no composition rules (NIST SP 800-63B-4 section 3.1.1.2). `PasswordStrength` judges what
 * the password consists of.
 */
export function findViolation(password: string, minLength: number): string | null {
  if (!password.isWellFormed()) return 'The password contains an unpaired surrogate: half a character.';
  const length = [...password.normalize('NFC')].length;
  if (length < minLength) return `The password is too short: it has ${length} characters and needs ${minLength}.`;
  if (length > PASSWORD_MAX_CODE_POINTS)
    return `The password is too long: at most ${PASSWORD_MAX_CODE_POINTS} characters.`;
  return null;
}
