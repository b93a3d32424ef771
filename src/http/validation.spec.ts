import { describe, expect, it } from 'vitest';
import { IsText } from './rule.js';
import { validationPipe } from './validation.js';

class Preferences {
  @IsText('Preferences', 10) preferencesForNotificationsByMail: string;
}

describe('validationPipe', () => {
  it('keeps long names of known fields, and cuts unknown names', async () => {
    const body = { preferencesForNotificationsByMail: 1, ['x'.repeat(1000)]: 1 };
    const refusal = validationPipe().transform(body, { type: 'body', metatype: Preferences });
    await expect(refusal).rejects.toMatchObject({
      code: 'validation_failed',
      options: {
        errors: expect.arrayContaining([
          { field: 'preferencesForNotificationsByMail', message: 'Preferences must be text.' },
          { field: 'x'.repeat(20), message: 'Unknown field.' },
        ]),
      },
    });
  });
});
