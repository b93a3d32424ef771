import { describe, expect, it } from 'vitest';
import { readOutboxCommand } from './outbox-command.js';

const ID = '0198c0de-0000-7000-8000-000000000000';

describe('the arguments of npm run outbox', () => {
  it.each([
    [['list'], { name: 'list', asJson: false }],
    [['list', '--json'], { name: 'list', asJson: true }],
    [['retry', ID], { name: 'retry', id: ID }],
    [['retry', '--all-dead'], { name: 'retry', id: null }],
  ])('%j are a command', (args, command) => {
    expect(readOutboxCommand(args)).toEqual(command);
  });

  it.each([
    [[]],
    [['lists']],
    [['list', '--all']],
    [['list', '--json=x']],
    [['list', 'x']],
    [['list', '--all-dead']],
    [['retry']],
    [['retry', 'nonsense']],
    [['retry', ID, ID]],
    [['retry', ID, '--all-dead']],
    [['retry', '--all-dead', '--json']],
  ])('%j are none', (args) => {
    expect(readOutboxCommand(args)).toBeNull();
  });
});
