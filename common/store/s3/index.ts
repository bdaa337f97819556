// The store on S3.

export { openS3Store } from './s3-store.ts';
