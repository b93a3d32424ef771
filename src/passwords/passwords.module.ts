import { Module } from '@nestjs/common';
import { KeyStoreModule } from '../key-store/key-store.module.js';
import { HashingMetrics } from './hashing-metrics.js';
import { HashingQueue, LookupQueue } from './hashing-queue.js';
import { PasswordHasher } from './password-hasher.js';
import { PasswordStrength } from './password-strength.js';

@Module({
  imports: [KeyStoreModule],
  providers: [HashingMetrics, HashingQueue, LookupQueue, PasswordHasher, PasswordStrength],
  exports: [PasswordHasher, PasswordStrength],
})
export class PasswordsModule {}
