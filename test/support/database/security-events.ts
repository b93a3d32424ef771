import { FailedSignInBuffer } from '../../../src/audit/failed-sign-in-buffer.js';
import { SecurityEvent } from '../../../src/audit/security-event.entity.js';
import type { TestApp } from '../app/app.js';

/** All stored events, or those of a user, oldest first. Failed sign-ins are written first. */
export async function storedEvents(
  test: Pick<TestApp, 'app' | 'dataSource'>,
  userId?: string,
): Promise<SecurityEvent[]> {
  await test.app.get(FailedSignInBuffer, { strict: false }).flush();
  return test.dataSource.getRepository(SecurityEvent).find({ where: userId ? { userId } : {}, order: { id: 'ASC' } });
}

/** The types of the events of a user, oldest first. */
export async function eventTypes(test: Pick<TestApp, 'app' | 'dataSource'>, userId?: string): Promise<string[]> {
  return (await storedEvents(test, userId)).map(({ type }) => type);
}
