import { Module } from '@nestjs/common';
import { Config } from '../config/config.js';
import { KeyStoreModule } from '../key-store/key-store.module.js';
import { DevMailbox } from './dev-mailbox.js';
import { MailBudgets } from './mail-budgets.js';
import { MailMetrics } from './mail-metrics.js';
import { MailRenderer } from './mail-renderer.js';
import { MailSender } from './mail-sender.js';
import { OutboxDelivery } from './outbox-delivery.js';
import { OutboxStore } from './outbox-store.js';
import { OutboxWorker } from './outbox-worker.js';
import { Outbox } from './outbox.js';
import { SmtpSender } from './smtp-sender.js';

@Module({
  imports: [KeyStoreModule],
  providers: [
    Outbox,
    OutboxStore,
    OutboxDelivery,
    OutboxWorker,
    MailBudgets,
    MailMetrics,
    MailRenderer,
    DevMailbox,
    {
      provide: MailSender,
      useFactory: ({ smtp, mailFrom }: Config, devMailbox: DevMailbox) =>
        smtp && mailFrom ? new SmtpSender(smtp, mailFrom) : devMailbox,
      inject: [Config, DevMailbox],
    },
  ],
  exports: [Outbox, DevMailbox],
})
export class MailModule {}
