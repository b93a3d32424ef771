import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify';
import { validate } from 'uuid';
import { Problem } from '../problem/problem.js';
import { sendProblem } from '../problem/problem.filter.js';
import { listPage, mailPage } from './dev-mail-page.js';
import type { DevMailbox } from './dev-mailbox.js';

/** The mail that was not sent, for developers and their tests. Never in production, nor with SMTP_URL; not part of the API. */
export async function serveDevMail(fastify: FastifyInstance, mailbox: DevMailbox): Promise<void> {
  const send = (reply: FastifyReply, type: string, body: unknown) =>
    reply.type(type).header('cache-control', 'no-store').send(body);

  await fastify.register(async (scope) => {
    scope.setErrorHandler((error: FastifyError, request, reply) => sendProblem(error, request, reply));

    scope.get('/dev/mail', async (_request, reply) =>
      send(reply, 'text/html; charset=utf-8', listPage(await mailbox.list())),
    );

    scope.get('/dev/mail.json', async (_request, reply) => {
      const mails = await mailbox.list();
      return send(
        reply,
        'application/json; charset=utf-8',
        mails.map(({ createdAt, ...mail }) => ({ ...mail, createdAt: new Date(createdAt).toISOString() })),
      );
    });

    scope.get<{ Params: { id: string } }>('/dev/mail/:id', async ({ params: { id } }, reply) => {
      const mail = validate(id) ? await mailbox.find(id) : null;
      if (!mail) throw new Problem('not_found');
      return send(reply, 'text/html; charset=utf-8', mailPage(mail));
    });
  });
}
