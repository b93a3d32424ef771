import { config } from './src/config/process-config.js';
import { createDataSource } from './src/data-source.js';

/** The one data source of this process: the application runs on it, and so does the migration command line. */
export default createDataSource(config);
