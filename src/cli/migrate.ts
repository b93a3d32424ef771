import 'reflect-metadata';
import dataSource from '../../ormconfig.js';
import { explainAndExit } from '../boot/explain-and-exit.js';
import { openDatabase } from '../boot/open-database.js';
import { config } from '../config/process-config.js';

/** Brings the schema up to date and ends: what a starting server does first, for a deployment that does it apart. */
try {
  await openDatabase(config, dataSource);
  await dataSource.destroy();
} catch (error) {
  explainAndExit(error);
}
