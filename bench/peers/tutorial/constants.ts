/** A string, as in the tutorials. */
export const ACCESS_SECRET = 'the access secret of the tutorial';
export const REFRESH_SECRET = 'the refresh secret of the tutorial';
export const PASSWORD_COST = Number(process.env['BCRYPT_COST'] ?? 10);
export const REFRESH_TOKEN_COST = 10;
